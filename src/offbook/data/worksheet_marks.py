"""What the files in a workbook say of its cells beside their values: hidden rows, text struck through, no results."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

from offbook.core.errors import UsageError

SHEET_FILE = re.compile(r"xl/worksheets/[^/]*\.xml$")
HIDDEN_ROW = re.compile(rb'<(?:\w+:)?row\b[^>]*\shidden="(?:1|true)"[^>]*(?<!/)>')
FILLED_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*)(?<!/)>(?=\s*<(?:\w+:)?(?:v>[^<]|is\b|f\b))")
PLACE = re.compile(rb'\br="([A-Z]+\d+)"')
STYLE = re.compile(rb'\bs="(\d+)"')
NO_RESULT = re.compile(
    rb"<(?:\w+:)?c\b([^>]*)(?<!/)>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)"
    rb"\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
"""A formula that nobody has calculated: programs write it so, and a spreadsheet fills in the result when it saves."""
IS_TEXT = re.compile(rb'\bt="str"')
"""A formula whose result is text, which may be an empty one."""
FONTS = re.compile(rb"<(?:\w+:)?fonts\b.*?</(?:\w+:)?fonts>", re.DOTALL)
FONT = re.compile(rb"<(?:\w+:)?font\b(?:[^>]*/>|.*?</(?:\w+:)?font>)", re.DOTALL)
STRUCK = re.compile(rb'<(?:\w+:)?strike(?:\s+val="(?:1|true)")?\s*/>')
CELL_FORMATS = re.compile(rb"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", re.DOTALL)
FORMAT_FONT = re.compile(rb'<(?:\w+:)?xf\b[^>]*?\bfontId="(\d+)"|<(?:\w+:)?xf\b')
STRUCK_RUN = re.compile(rb"<(?:\w+:)?rPr>(?:(?!</(?:\w+:)?rPr>).)*?" + STRUCK.pattern, re.DOTALL)


def refuse_marked(path: Path, archive: zipfile.ZipFile) -> None:
    """See that every cell of a workbook counts, and is there.

    Args:
        path: the workbook.
        archive: its files.

    Raises:
        UsageError: rows are hidden in it, text is struck through, or formulas have no results.
    """
    sheets = [archive.read(name) for name in archive.namelist() if SHEET_FILE.match(name)]
    if hidden := sum(len(HIDDEN_ROW.findall(sheet)) for sheet in sheets):
        raise UsageError(
            "{path}: rows are hidden in it, by a filter or by hand ({count})",
            "Show them all in Excel (Data, Clear) and save, or copy the rows that are seen into a new workbook.",
            path=path,
            count=hidden,
        )
    if (struck := _struck(archive, sheets)) is not None:
        raise UsageError(
            "{path}: text is struck through in it ({place}), which may mean that it does not count",
            "Delete those cells or their rows, or take the line away where the text counts.",
            path=path,
            place=struck,
        )
    if uncalculated := [_place(cell) for cell in _without_result(sheets)]:
        raise UsageError(
            "{path}: formulas in it have no results ({places})",
            "Open it in Excel, WPS or LibreOffice and save it: that writes the results into the file.",
            path=path,
            places=", ".join(uncalculated[:3]) + (", …" if len(uncalculated) > 3 else ""),
        )


def _struck(archive: zipfile.ZipFile, sheets: Iterable[bytes]) -> str | None:
    """The place of a cell that is struck through, or the text of which a part is; None where there is none."""
    names = archive.namelist()
    styles = archive.read("xl/styles.xml") if "xl/styles.xml" in names else b""
    fonts = FONTS.search(styles)
    struck_fonts = {n for n, font in enumerate(FONT.findall(fonts[0] if fonts else b"")) if STRUCK.search(font)}
    formats = CELL_FORMATS.search(styles)
    fonts_of_formats = enumerate(FORMAT_FONT.findall(formats[0] if formats else b""))
    struck_formats = {str(number).encode() for number, font in fonts_of_formats if int(font or 0) in struck_fonts}
    for sheet in sheets if struck_formats else ():
        for cell in FILLED_CELL.finditer(sheet):
            style = STYLE.search(cell[1])
            if style and style[1] in struck_formats:
                return _place(cell[1])
    texts = archive.read("xl/sharedStrings.xml") if "xl/sharedStrings.xml" in names else b""
    for item in (texts, *sheets):
        if run := STRUCK_RUN.search(item):
            text = re.search(rb"<(?:\w+:)?t\b[^>]*>([^<]{0,40})", item[run.end() :])
            return text[1].decode("utf-8", "ignore") if text else ""
    return None


def _without_result(sheets: Iterable[bytes]) -> list[bytes]:
    return [cell[1] for sheet in sheets for cell in NO_RESULT.finditer(sheet) if not IS_TEXT.search(cell[1])]


def _place(cell: bytes) -> str:
    """Where a cell stands, from its attributes: B3."""
    place = PLACE.search(cell)
    return place[1].decode() if place else "?"
