"""Excel's workbooks (.xlsx) as what somebody gets who saves them as CSV: one table, its cells as texts."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import takewhile
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetVisibleEnum

from offbook.core.errors import UsageError
from offbook.core.i18n import translate
from offbook.core.progress import fill
from offbook.data import splits, worksheet_marks

SUFFIXES = (".xlsx", ".xlsm")
UNFOLDED_BYTES = 2**28
"""A workbook may unfold to so many bytes."""
HEADER_ROWS = 5
"""Among so many rows stands the one that names the columns."""
WIDEST = 1000
"""Columns of a table that somebody made."""
SHEET = "sheet"
"""The column of the sheets' names, where they may be characters'."""
DIGIT = re.compile(r"\d")
"""What is in the names that a program gives to sheets."""
Table = list[list[str]]
Cell = int | float | str | bool | date | datetime | time | timedelta


def as_csv(path: Path) -> bytes:
    """The table of a workbook as CSV in UTF-8; a row of the sheet is a row of it, empty ones included.

    Raises:
        UsageError: it is damaged, or has several tables with different columns.
    """
    stat = path.stat()
    return _as_csv(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(1)
def _as_csv(path: Path, _modified: int, _size: int) -> bytes:
    """The table of a workbook that has not changed since."""
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
        return b""
    places = {name: _header_place(table) for name, table in tables.items()}
    headers = [table[places[name]] for name, table in tables.items()]
    if any(header != headers[0] for header in headers):
        raise UsageError(
            "{path} has several sheets with different columns: {names}",
            "Save the one that has the lines as CSV (UTF-8), and name that file.",
            path=path,
            names=", ".join(tables),
        )
    may_be_names = len(tables) > 1 and not all(DIGIT.search(name) for name in tables) and SHEET not in headers[0]
    rows: Table = []
    for name, table in tables.items():
        place = places[name]
        rows += [[] for _ in table[:place]] if not rows else []  # so that a row keeps its number
        rows += [] if any(rows) else [[*table[place], *([SHEET] if may_be_names else [])]]
        rows += [[*row, name] if may_be_names and any(row) else row for row in table[place + 1 :]]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def _tables(path: Path) -> Iterator[tuple[str, Table]]:
    """Each sheet's name and cells, of those that are shown and have any, from the first row with one."""
    with path.open("rb") as file:
        if file.read(4) == b"\xd0\xcf\x11\xe0":
            raise ValueError(translate("it is locked with a password, or an old .xls file"))
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > UNFOLDED_BYTES:
            raise ValueError(translate("it unfolds to what no table of lines does"))
        worksheet_marks.refuse_marked(path, archive)
    with CalamineWorkbook.from_path(path) as workbook:
        tables = {sheet.name: _table(workbook.get_sheet_by_name(sheet.name)) for sheet in workbook.sheets_metadata}
        seen = [sheet.name for sheet in workbook.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible]
    yield from ((name, tables[name]) for name in seen if tables[name])


def _of_lines(tables: dict[str, Table]) -> dict[str, Table]:
    """The sheets with lines: none of one column beside wider ones, none set aside, none for a test beside training."""
    wide = {name: table for name, table in tables.items() if max(map(len, table)) > 1} or tables
    wide = {name: table for name, table in wide.items() if not splits.SET_ASIDE.search(name)} or wide
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
