"""Tables of rows (prompt and reply) in the form in which `extract` writes the rows of texts."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from offbook.core.errors import UsageError
from offbook.data import loading
from offbook.data.row_files import rows_text

SUFFIXES = (".json", ".jsonl", ".csv", ".tsv", ".xlsx")
MOST_BYTES = 2**26
"""A larger table is trained as it is, by a command: it would take long to show."""


def table_rows(path: Path) -> list[dict[str, Any]] | None:
    """The rows of a table, bad ones left out; None where it is none, or too large.

    Args:
        path: a file of rows in any of the data formats.
    """
    status = path.stat()
    if path.suffix.lower() not in SUFFIXES or status.st_size > MOST_BYTES:
        return None
    return _rows(path, status.st_mtime_ns, status.st_size)


@lru_cache(1)
def _rows(path: Path, _modified: int, _size: int) -> list[dict[str, Any]] | None:
    try:
        conversations = loading.load([path], on_error="skip").conversations
    except UsageError:
        return None
    return [{**json.loads(line), "confidence": 1.0} for line in rows_text(conversations).split("\n")[:-1]]
