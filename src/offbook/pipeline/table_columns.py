"""The columns of a table of messages, for a person who says which of them holds what."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from offbook.core.errors import UsageError
from offbook.data.extract.chat_log.table_stream import read_unnamed
from offbook.data.extract.cue import ParseError
from offbook.data.extract.source import open_source
from offbook.data.sources import read_rows

HEAD = 30
"""So many lines are looked at."""
SAMPLES, LONGEST_SAMPLE = 3, 60
OF_OBJECTS = (".json", ".jsonl", ".ndjson")
MOST_BYTES = 2**26
"""A larger file of objects is not looked into: JSON is read as a whole."""
NOT_IN_NAMES = frozenset(",=")
"""What parts the columns of `--columns`; where a name holds it, the columns go by their numbers."""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table."""

    key: str
    """What `--columns` calls it: its name, or its number from 1."""
    title: str
    """Its name; "" where the table has no names."""
    samples: list[str]
    """The first of its cells."""


def table_columns(path: Path) -> list[TableColumn]:
    """The columns of a table (CSV, TSV, Excel, or JSON's objects by their keys); none for a file that is no table.

    Args:
        path: a file of any kind that `extract` reads.
    """
    if path.suffix.lower() in OF_OBJECTS:
        return _keys(path)
    try:
        head = list(islice(open_source(path), HEAD))
    except (UsageError, ValueError):
        return []
    rows: list[list[str]] = []
    try:
        for _, cells in read_unnamed(head):
            rows.append(list(cells.values()))
    except ParseError:  # a text above the names; or a cell of many lines, which the head cuts short
        pass
    if len(rows) < 2 or len(rows[0]) < 2:
        return []
    first, *others = rows
    # Who writes in a first row that names nothing writes again.
    has_names = not any(cell and any(row[place] == cell for row in others) for place, cell in enumerate(first))
    by_name = has_names and _are_names(first)
    return [
        TableColumn(
            first[place] if by_name else str(place + 1),
            first[place] if has_names else "",
            [row[place][:LONGEST_SAMPLE] for row in (others if has_names else rows)[:SAMPLES]],
        )
        for place in range(len(first))
    ]


def _keys(path: Path) -> list[TableColumn]:
    """The keys of a list of objects that hold texts and numbers, as columns."""
    try:
        rows = [row for _, row in islice(read_rows(path), HEAD)] if path.stat().st_size <= MOST_BYTES else []
    except (UsageError, RecursionError):
        return []
    keys = {key: [row[key] for row in rows if key in row] for key in dict.fromkeys(key for row in rows for key in row)}
    columns = [
        TableColumn(key, key, [_cell(value)[:LONGEST_SAMPLE] for value in values[:SAMPLES]])
        for key, values in keys.items()
        if key and not NOT_IN_NAMES & set(key)
    ]
    return columns if len(rows) > 1 and len(columns) > 1 else []


def _cell(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _are_names(cells: Sequence[str]) -> bool:
    """Whether each cell of a table's first row can name its column."""
    distinct = {cell.strip().casefold() for cell in cells}
    return len(distinct) == len(cells) and not any(
        not cell or cell.isdecimal() or NOT_IN_NAMES & set(cell) for cell in cells
    )
