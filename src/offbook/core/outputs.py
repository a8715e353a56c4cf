"""The place that a user names for a file to be written: nothing of somebody else's is overwritten."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from offbook.core.errors import UsageError
from offbook.core.i18n import translate

HEAD = 65_536
"""Characters among which the page's name comes."""


def refuse_foreign(path: Path, option: str, is_own: Callable[[Path], bool]) -> None:
    """See that a file may be written: there is none yet, or one that the same command wrote.

    Args:
        path: the place.
        option: by which it was named.
        is_own: whether a plain file is one that the command wrote.

    Raises:
        UsageError: a folder, a device, a pipe or somebody's file is there.
    """
    if path.exists() and not path.is_file():
        kind = translate("a folder") if path.is_dir() else translate("a device or a pipe, not a file")
        raise UsageError("{path} is {kind}", "Name a file: {option} FILE", path=path, kind=kind, option=option)
    if path.is_file() and not is_own(path):
        raise UsageError(
            "{path} already exists, and this command did not write it",
            "Choose another {option}, or move that file away first.",
            path=path,
            option=option,
        )


def is_branded(path: Path, brands: Iterable[str]) -> bool:
    """Whether a file is empty, or a page with one of these lines near its beginning."""
    with path.open(encoding="utf-8", errors="replace") as file:
        head = file.read(HEAD)
    return not head or any(brand in head for brand in brands)
