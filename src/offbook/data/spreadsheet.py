"""Excel's workbooks (.xlsx) as what somebody gets who saves them as CSV: one table, its cells as texts."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import takewhile
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from offbook.core.errors import UsageError
from offbook.core.i18n import translate
from offbook.core.progress import fill
from offbook.core.text import normalize
from offbook.data import splits

SUFFIXES = (".xlsx", ".xlsm")
UNFOLDED_BYTES = 2**28
"""A workbook may unfold to so many bytes."""
HEADER_ROWS = 5
"""Among so many rows stands the one that names the columns."""
WIDEST = 1000
"""Columns of a table that somebody made."""
Table = list[list[str]]
Cell = int | float | str | bool | date | datetime | time | timedelta


def as_csv(path: Path) -> bytes:
    """The table of a workbook as CSV in UTF-8; a row of the sheet is a row of it, empty ones included.

    Raises:
        UsageError: it is damaged, or has several tables with different columns.
    """
    stat = path.stat()
    return _as_csv(path, stat.st_mtime_ns, stat.st_size)[0]


def refuse_sheets_of_others(path: Path, character: str | None) -> None:
    """See that not one of several sheets bears the character's name, so that the others may be others'.

    Args:
        path: a file that was read; what is no workbook has no sheets.
        character: the character's name, if it is known.

    Raises:
        UsageError: one does.
    """
    if character is None or path.suffix.lower() not in SUFFIXES:
        return
    stat = path.stat()
    sheets = _as_csv(path, stat.st_mtime_ns, stat.st_size)[1]
    named = [sheet for sheet in sheets if normalize(sheet) == normalize(character)]
    if named and len(sheets) > 1:
        raise UsageError(
            "{path}: the sheet '{sheet}' bears the character's name, and others are beside it: {names}",
            "Save that sheet as CSV (UTF-8), and name that file. If the other sheets are the character's, too, give "
            "the sheet another name.",
            path=path,
            sheet=named[0],
            names=", ".join(sheet for sheet in sheets if sheet not in named),
        )


@lru_cache(1)
def _as_csv(path: Path, _modified: int, _size: int) -> tuple[bytes, tuple[str, ...]]:
    """The table, and the names of the sheets in it."""
    try:
        tables = _of_lines(dict(_tables(path)))
    except (CalamineError, zipfile.BadZipFile, ValueError) as error:
        raise UsageError(
            "{path} cannot be read as an Excel file: {reason}",
            "Open it in Excel or WPS, and save the sheet as CSV (UTF-8).",
            path=path,
            reason=" ".join(str(error).split())[:200],
        ) from None
    if not tables:
        return b"", ()
    first, *others = tables.values()
    below = [_header_place(table) for table in tables.values()]
    if any(table[place] != first[below[0]] for table, place in zip(others, below[1:], strict=True)):
        raise UsageError(
            "{path} has several sheets with different columns: {names}",
            "Save the one that has the lines as CSV (UTF-8), and name that file.",
            path=path,
            names=", ".join(tables),
        )
    text = io.StringIO()
    more = [row for table, place in zip(others, below[1:], strict=True) for row in table[place + 1 :]]
    csv.writer(text, lineterminator="\n").writerows([*([] for _ in first[: below[0]]), *first[below[0] :], *more])
    return text.getvalue().encode("utf-8-sig"), tuple(tables)


def _tables(path: Path) -> Iterator[tuple[str, Table]]:
    """Each sheet's name and cells, of those that have any, from the first row with one."""
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > UNFOLDED_BYTES:
            raise ValueError(translate("it unfolds to what no table of lines does"))
    with CalamineWorkbook.from_path(path) as workbook:
        for name in workbook.sheet_names:
            if table := _table(workbook.get_sheet_by_name(name)):
                yield name, table


def _of_lines(tables: dict[str, Table]) -> dict[str, Table]:
    """The sheets with lines: none of one column beside wider ones, and none for a test beside one for training."""
    wide = {name: table for name, table in tables.items() if max(map(len, table)) > 1} or tables
    if any(map(splits.TRAINING.search, wide)):
        return {name: wide[name] for name in wide if splits.HELD_BACK.search(name) is None}
    return wide


def _header_place(table: Table) -> int:
    """The row that names the columns: below a title, which stands alone in its row."""
    named = (place for place, row in enumerate(table[:HEADER_ROWS]) if any(row[1:]) or (len(row) == 1 and row[0]))
    return next(named, 0)


def _table(sheet: CalamineSheet) -> Table:
    if sheet.start is None:
        return []
    if sheet.width > WIDEST:
        raise ValueError(fill("a table of {width} columns", {"width": sheet.width}))
    top, left = sheet.start
    table = [[_shown(cell) for cell in row] for row in sheet.to_python()]
    spanned = set()
    for (first, begin), (last, end) in sheet.merged_cell_ranges or ():  # what stands beside several rows is each one's
        if begin == end:
            for row in table[first - top + 1 : last - top + 1]:
                row[begin - left] = table[first - top][begin - left]
        else:
            spanned.add(first - top)
    for place in takewhile(spanned.__contains__, range(len(table) - 1)):  # a title, or a name over several columns
        table[place] = []
    return table


def _shown(cell: Cell) -> str:
    """A cell as CSV has it: whole numbers without a point, days without a clock."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return str(cell.replace(microsecond=0)).removesuffix(" 00:00:00")
    return cell.replace("\r\n", "\n") if isinstance(cell, str) else str(cell)
