"""The columns of a table of messages, for a person who says which of them holds what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from offbook.core.errors import UsageError
from offbook.data.extract.chat_log.table_stream import read_unnamed
from offbook.data.extract.cue import ParseError
from offbook.data.extract.source import open_source

HEAD = 30
"""So many lines are looked at."""
SAMPLES, LONGEST_SAMPLE = 3, 60
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
    """The columns of a table (CSV, TSV, Excel); none for a file that is no table.

    Args:
        path: a file of any kind that `extract` reads.
    """
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


def _are_names(cells: Sequence[str]) -> bool:
    """Whether each cell of a table's first row can name its column."""
    distinct = {cell.strip().casefold() for cell in cells}
    return len(distinct) == len(cells) and not any(
        not cell or cell.isdecimal() or NOT_IN_NAMES & set(cell) for cell in cells
    )
