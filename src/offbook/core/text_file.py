"""Text of files that a run wrote and anybody may have put something else in the place of."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def read_text(path: Path, *, errors: str = "strict") -> str:
    """The text of a file.

    Args:
        path: the file.
        errors: what is done about bytes that are not UTF-8, as `bytes.decode` has it.

    Raises:
        OSError: there is no such file; a pipe or a device, from which reading might never end, is none.
        ValueError: it is not UTF-8.
    """
    if not path.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    return path.read_text(encoding="utf-8", errors=errors)
