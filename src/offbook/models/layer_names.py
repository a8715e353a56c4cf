"""How `lora.target_modules` names layers: by the end of their names, or by regular expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable

from offbook.core.errors import UsageError

ALL_LINEAR = "all-linear"
"""Every linear layer of the decoder's blocks but the routers."""

_PATTERN = re.compile(r"[\\*+?()\[\]|^$]")


def matches(entry: str, name: str) -> bool:
    """Whether an entry of `lora.target_modules` names a layer, given by its full name.

    Raises:
        UsageError: the entry is meant as a regular expression and is none.
    """
    if _PATTERN.search(entry):
        return _compiled(entry).fullmatch(name) is not None
    return name == entry or name.endswith(f".{entry}")


def refuse_bad_patterns(entries: Iterable[str]) -> None:
    """See that what is meant as a regular expression is one; which layers there are, only the model knows.

    Raises:
        UsageError: one is none.
    """
    for entry in entries:
        if _PATTERN.search(entry):
            _compiled(entry)


def _compiled(entry: str) -> re.Pattern[str]:
    try:
        return re.compile(entry)
    except re.error as error:
        raise UsageError(
            "lora.target_modules: {entry} is no regular expression ({error})",
            "Write, for example, .*self_attn\\.[qkv]_proj",
            entry=entry,
            error=error,
        ) from None
