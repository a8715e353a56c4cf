"""Tables of rows (prompt and reply) in the form in which `extract` writes the rows of texts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
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
    skipped: list[str] = field(default_factory=list)
    """The bad rows that were left out, each with its place and what is wrong with it."""


Columns = tuple[tuple[str, str], ...]
"""What a person says that columns mean, in pairs: prompt, reply … and the column's name."""


def table_rows(path: Path, character: str | None = None, columns: Columns = ()) -> Table | None:
    """The rows of a table, bad ones left out and counted; None where it is none, or too large.

    Args:
        path: a file of rows in any of the data formats.
        character: whose rows they are to be; those of others are left out. Without it rows are everybody's.
        columns: what columns of other names mean.

    Raises:
        UsageError: the rows are several characters', and none of them is that one; or `columns` make no rows of it.
    """
    status = path.stat()
    if path.suffix.lower() not in SUFFIXES or status.st_size > MOST_BYTES:
        return None
    return _rows(path, character, columns, status.st_mtime_ns, status.st_size)


@lru_cache(1)
def _rows(path: Path, character: str | None, columns: Columns, _modified: int, _size: int) -> Table | None:
    options = EVERYBODY if character is None else loading.ReadingOptions(character=character)
    options = replace(options, columns=dict(columns))
    try:
        loaded = loading.load([path], on_error="skip", options=options)
    except UsageError:
        if columns or (character is not None and table_rows(path) is not None):
            raise
        return None
    lines = rows_text(loaded.conversations).split("\n")[:-1]
    rows = [{**json.loads(line), "confidence": 1.0} for line in lines]
    return Table(rows, loaded.characters, [str(bad) for bad in loaded.skipped])
