"""What lies under a file's name when the file itself was not downloaded: a pointer of Git's, or a web page."""

from __future__ import annotations

import re
from pathlib import Path

from offbook.core.errors import UsageError

HEAD_BYTES = 1024
POINTER = b"version https://git-lfs.github.com/spec/"
PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body|table|\?xml)\b", re.IGNORECASE)


def refuse_pointer(path: Path) -> None:
    """See that a file is itself, and not what Git LFS leaves in its place.

    Raises:
        OSError: it cannot be opened.
        UsageError: it is such a pointer.
    """
    if _head(path).startswith(POINTER):
        raise UsageError(
            "{path} is not the file, but a pointer to it (Git LFS)",
            "Fetch the files themselves: git lfs pull. On the hub's page, the button for download gives the file.",
            path=path,
        )


def refuse_page(path: Path) -> None:
    """See that a file of rows, by its name, is no page.

    Raises:
        OSError: it cannot be opened.
        UsageError: it is one.
    """
    if PAGE.match(_head(path)):
        raise UsageError(
            "{path} holds a web page (HTML or XML), not rows",
            "If it should be a data set, the download gave a page in its place: download it again, signed in if need "
            "be. A table in a page: open it in Excel or WPS, and save it as CSV (UTF-8).",
            path=path,
        )


def _head(path: Path) -> bytes:
    """The first bytes of a file as it lies there; none of a folder or a device."""
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)
