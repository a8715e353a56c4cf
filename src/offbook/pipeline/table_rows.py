"""Tables of rows (prompt and reply) in the form in which `extract` writes the rows of texts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from offbook.core.errors import UsageError
from offbook.data import loading
from offbook.data.row_files import rows_text

SUFFIXES = (".json", ".jsonl", ".csv", ".tsv", ".xlsx")
MOST_BYTES = 2**26
"""A larger table is trained as it is, by a command: it would take long to show."""

EVERYBODY = loading.ReadingOptions(of_anybody=True)


@dataclass(frozen=True)
class Table:
    """The rows of a table."""

    rows: list[dict[str, Any]]
    characters: list[str | None]
    """Whom each of them names as its character."""


def table_rows(path: Path, character: str | None = None) -> Table | None:
    """The rows of a table, bad ones left out; None where it is none, or too large.

    Args:
        path: a file of rows in any of the data formats.
        character: whose rows they are to be; those of others are left out. Without it rows are everybody's.

    Raises:
        UsageError: the rows are several characters', and none of them is that one.
    """
    status = path.stat()
    if path.suffix.lower() not in SUFFIXES or status.st_size > MOST_BYTES:
        return None
    return _rows(path, character, status.st_mtime_ns, status.st_size)


@lru_cache(1)
def _rows(path: Path, character: str | None, _modified: int, _size: int) -> Table | None:
    options = EVERYBODY if character is None else loading.ReadingOptions(character=character)
    try:
        loaded = loading.load([path], on_error="skip", options=options)
    except UsageError:
        if character is not None and table_rows(path) is not None:
            raise
        return None
    lines = rows_text(loaded.conversations).split("\n")[:-1]
    return Table([{**json.loads(line), "confidence": 1.0} for line in lines], loaded.characters)
