"""Excel's workbooks (.xlsx) as what somebody gets who saves them as CSV: one table, its cells as texts.

Source: ECMA-376, part 1, section 18 (SpreadsheetML).
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from posixpath import join
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from offbook.core.errors import UsageError

SUFFIXES = (".xlsx", ".xlsm")
UNFOLDED_BYTES = 2**28
"""A workbook may unfold to so many bytes."""
LAST_ROW, LAST_COLUMN = 2**20, 2**14
WIDEST = 1000
"""Columns of a table that somebody made."""
PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
"""A character that XML does not allow, as Excel writes it."""
DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
"""Numbers of the formats for dates and times that every Excel has."""
DATE_FORMAT = re.compile(r"[ymdhs]", re.IGNORECASE)
NO_DATE = re.compile(r'"[^"]*"|\[[^]]*\]|\\.|General')
"""What in a format is no sign of a date: texts, colours and conditions."""
EPOCH = datetime(1899, 12, 30)
Table = list[list[str]]


def as_csv(path: Path) -> bytes:
    """The table of a workbook as CSV in UTF-8; a row of the sheet is a row of it, empty ones included.

    Raises:
        UsageError: it is damaged, or has several tables with different columns.
    """
    stat = path.stat()
    return _as_csv(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(1)
def _as_csv(path: Path, _modified: int, _size: int) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            tables = {name: table for name, table in _Workbook(archive).tables() if table}
    except (
        zipfile.BadZipFile,
        ParseError,
        DefusedXmlException,
        KeyError,
        ValueError,
        IndexError,
        OverflowError,
    ) as error:
        raise UsageError(
            "{path} cannot be read as an Excel file: {reason}",
            "Open it in Excel or WPS, and save the sheet as CSV (UTF-8).",
            path=path,
            reason=" ".join(str(error).split())[:200],
        ) from None
    first, *others = tables.values() or [[]]
    if any(table[0] != first[0] for table in others):
        raise UsageError(
            "{path} has several sheets with different columns: {names}",
            "Save the one that has the lines as CSV (UTF-8), and name that file.",
            path=path,
            names=", ".join(tables),
        )
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([*first, *(row for table in others for row in table[1:])])
    return text.getvalue().encode("utf-8-sig")


class _Workbook:
    """The parts of an opened workbook."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        if sum(entry.file_size for entry in archive.infolist()) > UNFOLDED_BYTES:
            raise ValueError("it unfolds to what no table of lines does")
        self._archive = archive

    def tables(self) -> Iterator[tuple[str, Table]]:
        """Each sheet's name and cells, from its first row with any."""
        targets = {each.get("Id"): each.get("Target", "") for each in self._part("xl/_rels/workbook.xml.rels")}
        for sheet in self._part("xl/workbook.xml").iterfind(".//{*}sheet"):
            relation = next(value for key, value in sheet.items() if key.endswith("}id"))
            target = targets[relation]
            part = self._part(target.removeprefix("/") if target.startswith("/") else join("xl", target))
            yield sheet.get("name", ""), self._table(part)

    def _part(self, name: str) -> Element:
        return fromstring(self._archive.read(name))

    @cached_property
    def _shared_texts(self) -> list[str]:
        """The texts that cells name by their number."""
        name = "xl/sharedStrings.xml"
        return [_text(each) for each in self._part(name)] if name in self._archive.namelist() else []

    @cached_property
    def _date_styles(self) -> set[str]:
        """The styles that show a number as a date or a time."""
        name = "xl/styles.xml"
        if name not in self._archive.namelist():
            return set()
        styles = self._part(name)
        custom = {
            each.get("numFmtId"): NO_DATE.sub("", each.get("formatCode", ""))
            for each in styles.iterfind(".//{*}numFmt")
        }
        formats = styles.find("{*}cellXfs")
        numbers = [each.get("numFmtId", "0") for each in formats] if formats is not None else []
        return {
            str(style)
            for style, number in enumerate(numbers)
            if int(number) in DATES or DATE_FORMAT.search(custom.get(number, ""))
        }

    def _table(self, sheet: Element) -> Table:
        cells = {}
        for cell in sheet.iterfind(".//{*}c"):
            if text := self._cell(cell):
                cells[_place(cell.get("r", ""))] = text
        for merged in sheet.iterfind(".//{*}mergeCell"):  # what stands beside several rows belongs to each of them
            (top, left), (bottom, right) = map(_place, merged.get("ref", "").split(":"))
            if left == right and (top, left) in cells:
                cells.update({(row, left): cells[top, left] for row in range(top + 1, bottom + 1)})
        if not cells:
            return []
        rows, width = sorted({row for row, _ in cells}), max(column for _, column in cells) + 1
        if width > WIDEST:
            raise ValueError(f"a table of {width} columns")
        return [[cells.get((row, column), "") for column in range(width)] for row in range(rows[0], rows[-1] + 1)]

    def _cell(self, cell: Element) -> str:
        kind, value = cell.get("t", "n"), cell.findtext("{*}v", "")
        if kind == "s":
            return self._shared_texts[int(value)]
        if kind == "inlineStr":
            inline = cell.find("{*}is")
            return "" if inline is None else _text(inline)
        if kind == "n" and value and cell.get("s") in self._date_styles:
            moment = (EPOCH + timedelta(days=float(value))).replace(microsecond=0)
            return str(moment.time() if float(value) < 1 else moment).removesuffix(" 00:00:00")
        return str(value == "1").upper() if kind == "b" else _unescaped(value)


def _text(item: Element) -> str:
    """A text with its differently dressed parts, without the reading that stands above Japanese."""
    parts = [item, *(run for run in item if run.tag.endswith("}r"))]
    return _unescaped("".join(part.findtext("{*}t", "") for part in parts))


def _unescaped(text: str) -> str:
    return ESCAPE.sub(lambda match: chr(int(match[1], 16)), text).replace("\r\n", "\n")


def _place(name: str) -> tuple[int, int]:
    """Row and column of a cell (from 0), of its name: `B3`."""
    match = PLACE.fullmatch(name)
    if match is None:
        raise ValueError(f"a cell at '{name[:20]}'")
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    row = int(match[2])
    if not (0 < row <= LAST_ROW and column <= LAST_COLUMN):
        raise ValueError(f"a cell at '{name}'")
    return row - 1, column - 1
