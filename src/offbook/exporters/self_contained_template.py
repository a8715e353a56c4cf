"""A chat template that needs nobody's knowledge: the character's prompt and template arguments are written into it.

Whoever renders it (transformers, vLLM, llama.cpp) then asks as training did, without being told how.
"""

from __future__ import annotations

import json
from typing import Any


def self_contained(source: str, arguments: dict[str, Any], system: str | None) -> str:
    """The Jinja template `source` with its arguments set, and with `system` where a conversation brings no prompt."""
    settings = "".join(f"{{% set {name} = {_literal(value)} %}}" for name, value in arguments.items())
    if system is None:
        return settings + source
    turn = f"{{'role': 'system', 'content': {_literal(system)}}}"
    return (
        f"{settings}{{% if not messages or messages[0]['role'] != 'system' %}}"
        f"{{% set messages = [{turn}] + messages %}}{{% endif %}}{source}"
    )


def _literal(value: Any) -> str:
    """A value as Jinja writes it; its strings know JSON's escapes."""
    return "none" if value is None else json.dumps(value, ensure_ascii=False)
