"""Rows of a table in which nothing is said: its sums, and the names of its columns once more."""

from __future__ import annotations

import re

from offbook.data.columns import CANONICAL, canonical
from offbook.data.row_values import ColumnsError, LeftOut
from offbook.data.sources import Row

SUM = re.compile(
    r"(?:grand ?|sub)?totals?|sum|count|average|mean|总计|合计|总数|小计|总和|共计|平均|平均值|求和|計|合計|小計|總計"
    r"|gesamt|summe|итого|всего",
    re.IGNORECASE,
)
"""What a spreadsheet heads the row of its sums with."""
NUMBER = re.compile(r"[-+]?[\d.,]+ ?%?|")


def refuse_notes(row: Row) -> None:
    """Leave out a row of a table in which nothing is said.

    Args:
        row: a row under its own names.

    Raises:
        LeftOut: it holds the table's sums, or the names of its columns.
        ColumnsError: it holds the names of other columns.
    """
    cells = [str(value).strip() for value in row.values() if isinstance(value, str | int | float)]
    shown = [cell for cell in cells if cell]
    words = [cell for cell in shown if not NUMBER.fullmatch(cell)]
    if len(words) == 1 and len(row) > 1 and SUM.fullmatch(words[0].rstrip(":：").rstrip()) and _is_flat(row):
        raise LeftOut("rows hold the sums of the table")
    names = list(map(canonical, shown))
    are_names = CANONICAL.issuperset(names) or {"instruction", "output"}.issubset(names)
    if len(names) < 2 or max(map(len, shown)) < 2 or not are_names or not _is_flat(row):
        return
    if all(canonical(str(value).strip()) == canonical(column) for column, value in row.items() if value):
        raise LeftOut("rows repeat the names of the columns")
    raise ColumnsError(
        "it holds names of columns ({names}): another table seems to begin there; save it as a file of its own",
        names=", ".join(shown),
    )


def _is_flat(row: Row) -> bool:
    """Whether a row is one of a table: no cell of it holds a list or an object."""
    return not any(isinstance(value, list | dict) for value in row.values())
