"""Pages set in columns whose text runs across them, told by the gap down the page."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

GAP = 2
"""Characters' widths that stay blank between two columns, at least."""
WITHIN = (0.2, 0.8)
"""Between which shares of a page's width the gap is looked for."""
FEWEST_ROWS = 6
CROSSING = 0.15
"""Share of the rows that may run over the gap, as titles do."""
BOTH = 0.4
"""Share of the rows that have text at both sides: the two sides of a chat take turns instead."""
LEAST_WIDTH = 12
"""Characters of an ordinary line of a column; a column of speakers' names is narrower."""
DISTINCT = 0.7
"""Share of a column's lines that differ from one another: names recur."""
ACROSS = 0.5
"""Share of the rows whose two sides follow upon each other in a text that was read across."""


def in_columns(page: Sequence[str]) -> list[str] | None:
    """The lines of a page column after column, or None where it is set in one.

    Args:
        page: its lines as they lie on it, with the spaces between.
    """
    gap = _gap(page)
    if gap is None:
        return None
    ordered: list[str] = []
    left, right = list[str](), list[str]()
    for line in [*page, None]:
        if line is not None and not _crosses(line, gap):
            left.append(line[:gap].rstrip())
            right.append(line[gap:].rstrip())
            continue
        for column in (left, right):
            lines = _closed_up(column)
            ordered += in_columns(lines) or lines
        left, right = [], []
        ordered += [line] if line is not None else []
    return ordered


def is_read_across(page: Sequence[str], text: str) -> bool:
    """Whether a page is set in columns, and its text, in the order in which the file has it, runs across them.

    Args:
        page: its lines as they lie on it.
        text: its text as the file has it.
    """
    gap = _gap(page)
    if gap is None:
        return False
    rows = [line for line in page if _has_both(line, gap)]
    squeezed = "".join(text.split())
    return sum("".join(row.split()) in squeezed for row in rows) > ACROSS * len(rows)


def _gap(page: Sequence[str]) -> int | None:
    """Where the second column of a page begins; None where it has but one."""
    rows = [line for line in page if line.strip()]
    width = max(map(len, rows), default=0)
    places = range(max(GAP, int(WITHIN[0] * width)), int(WITHIN[1] * width))
    if len(rows) < FEWEST_ROWS or not places:
        return None
    crossing = {place: sum(_crosses(row, place) for row in rows) for place in places}
    best = max(place for place in places if crossing[place] == min(crossing.values()))
    both = [row for row in rows if _has_both(row, best)]
    if crossing[best] > CROSSING * len(rows) or len(both) < max(FEWEST_ROWS, BOTH * len(rows)):
        return None
    for side in ([row[:best].strip() for row in both], [row[best:].strip() for row in both]):
        if median(map(len, side)) < LEAST_WIDTH or len(set(side)) < DISTINCT * len(side):
            return None
    return best


def _crosses(row: str, place: int) -> bool:
    return bool(row[place - GAP : place].strip())


def _has_both(row: str, place: int) -> bool:
    return not _crosses(row, place) and bool(row[:place].strip()) and bool(row[place:].strip())


def _closed_up(column: Sequence[str]) -> list[str]:
    """A column's lines from its own margin on, without the blank ones that only the line spacing makes."""
    rows = [line for line in column if line.strip()]
    margin = min((len(line) - len(line.lstrip()) for line in rows), default=0)
    kept = rows if len(rows) <= 0.6 * len(column) else column
    return "\n".join(line[margin:] for line in kept).strip("\n").split("\n") if rows else []
