"""The settings of a run.yaml, read once for as long as the file stays as it is.

Lists of runs are asked for every few seconds, and PyYAML takes some milliseconds for each.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from offbook.core.config.yaml_file import read_settings
from offbook.core.errors import UsageError


def settings_tree(path: Path) -> dict[str, Any]:
    """The tree of a run.yaml, which is not to be changed; empty where it is damaged or not there.

    Args:
        path: the file.
    """
    try:
        status = path.stat()
    except OSError:
        return {}
    return _read(path, status.st_mtime_ns, status.st_size)


@lru_cache(4096)
def _read(path: Path, _modified: int, _size: int) -> dict[str, Any]:
    try:
        return read_settings(path).tree
    except UsageError:
        return {}
