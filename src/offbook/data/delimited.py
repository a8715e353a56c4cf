"""Rows from tables that are text: CSV and TSV, as spreadsheets and programs write them."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from offbook.core.errors import UsageError
from offbook.core.i18n import marked, translate
from offbook.core.progress import fill
from offbook.data import drawn_tables
from offbook.data.encoding import open_text

DELIMITERS = ",\t;|"
DELIMITER_LINE = re.compile(r'"?sep=(.)"?\s*$', re.IGNORECASE)
"""A first line that tells Excel what parts the cells."""
SINGLE_QUOTED = re.compile(r"\s*'[^']*'(?:\s*[,\t;|]\s*'[^']*')+\s*")
"""A header whose names stand between single quotes, as the cells below then do."""
NO_ROW = marked(
    "not a row of a CSV table ({error}): "
    'a cell with a double quote in it stands between double quotes, and the one in it is written twice ("")'
)
OTHER_WIDTH = marked(
    "{cells} cells under {columns} columns: a cell with the sign in it that parts cells stands between double quotes"
)
NOTE = re.compile(
    r"(?:(?:foot)?notes?|remarks?|comments?|sources?|authors?|editors?|legend|version|revised|revision"
    r"|(?:last )?updated|created|exported|generated|备注|備註|说明|說明|注|注释|来源|來源|作者|制表|版本"
    r"|导出时间|更新(?:时间|日期)?)"
    r"(?:\s*[:：].*|\s+by\b.*)?",
    re.IGNORECASE,
)
"""The first cell of notes below a table."""
BELOW = marked(
    "notes on the table seem to begin below the empty row: delete them; "
    "if they are rows, delete the empty row above them"
)
ALONE = marked("a note on the table, it seems: delete it; if it is a row, it lacks what is said or what is answered")
EMPTY = re.compile(r"[,;\t\s]*$")
TITLE = re.compile(r"[^,;\t\"]+([,;\t])\1*\s*$")
HEADER_LINES = 6
"""Among so many lines stands the one that names the columns."""
TABLE_LINES = 50
"""So many lines decide whether a text without a telling name is a table."""


def is_table(path: Path) -> bool:
    """Whether the lines of a text are rows of a table: as many cells in each of the first ones as in the header."""
    lines = [text for _, text in islice(open_text(path), TABLE_LINES)]
    if drawn_tables.is_drawn(lines[:HEADER_LINES]):
        return True
    delimiter = _delimiter(lines[0] if lines else "")
    try:
        rows = [cells for cells in csv.reader([f"{line}\n" for line in lines], delimiter=delimiter) if cells]
    except csv.Error:
        return False
    complete = rows[:-1] if len(lines) == TABLE_LINES else rows  # the last one may go on
    return len(complete) > 1 and len(complete[0]) > 1 and len({len(cells) for cells in complete}) == 1


def table_rows(path: Path) -> Iterator[tuple[int, dict[str, str] | str]]:
    """The rows of a table with a header line, each with its line; or why one cannot be read.

    The delimiter is the table's; a quoted cell may hold line breaks, and rows without any text are left out.

    Raises:
        UsageError: the header is none, or a quote is never closed.
    """
    csv.field_size_limit(2**31 - 1)
    lines: Iterator[str] = (text + "\n" for _, text in open_text(path))
    head = list(islice(lines, HEADER_LINES))
    if drawn_tables.is_drawn(head):
        lines = map(drawn_tables.as_csv, chain(head, lines))
        head = list(islice(lines, HEADER_LINES))
    delimiter_line = DELIMITER_LINE.match(head[0]) if head else None
    first = _header_place(head, 1 if delimiter_line else 0) + 1
    header = head[first - 1] if head[first - 1 :] else ""
    delimiter = delimiter_line[1] if delimiter_line else _delimiter(header)
    is_spaced = f"{delimiter} " in header
    quote = "'" if SINGLE_QUOTED.fullmatch(header) else '"'
    columns = _columns(path, first, header, delimiter, quote)
    names = [column.casefold() for column in columns]
    # Strict: without it a quote that is never closed swallows the rest of the file in silence.
    table = csv.reader(
        chain(head[first:], lines), delimiter=delimiter, quotechar=quote, strict=True, skipinitialspace=is_spaced
    )
    is_after_gap = are_notes = False
    while True:
        line = table.line_num + first + 1
        try:
            cells = next(table)
        except StopIteration:
            return
        except csv.Error as error:
            if "end of data" in str(error):
                raise UsageError(
                    "{origin}: a quote opens there and is never closed", "Close it.", origin=f"{path}:{line}"
                ) from None
            yield line, fill(NO_ROW, {"error": translate(str(error))})
            continue
        filled = [cell.strip() for cell in cells if cell.strip()]
        if not filled or [cell.strip().casefold() for cell in cells] == names:
            is_after_gap = not filled
            continue  # empty, or the header once more, where tables were joined
        is_note = NOTE.fullmatch(filled[0]) is not None
        are_notes = are_notes or (is_after_gap and is_note)
        is_after_gap = False
        if are_notes:
            yield line, translate(BELOW)
        elif is_note and len(filled) == 1 < len(columns):
            yield line, translate(ALONE)
        elif len(cells) != len(columns):
            yield line, fill(OTHER_WIDTH, {"cells": len(cells), "columns": len(columns)})
        else:
            yield line, dict(zip(columns, cells, strict=True))


def _delimiter(header: str) -> str:
    """What parts the cells of a header; bars around them all are a drawn table's, as Markdown has it."""
    return max(DELIMITERS[:-1] if header.lstrip().startswith("|") else DELIMITERS, key=header.count)


def _header_place(head: Sequence[str], start: int) -> int:
    """The place of the line that names the columns: below empty ones and a title, which has empty cells beside it."""
    for place, line in enumerate(head[start:], start):
        if line.startswith("#") and any(_is_table_below(line, text) for text in head[place + 1 :]):
            continue  # a comment
        below = next((text for text in head[place + 1 :] if not EMPTY.match(text)), None)
        if not EMPTY.match(line) and (below is None or not TITLE.match(line) or TITLE.match(below)):
            return place
    return start


def _is_table_below(comment: str, text: str) -> bool:
    """Whether a line is no comment and has cells, which the comment above it has not."""
    delimiter = _delimiter(text)
    return not text.startswith("#") and delimiter in text and delimiter not in comment


def _columns(path: Path, number: int, line: str, delimiter: str, quote: str) -> list[str]:
    """The names in the header; a column without one is called after its place."""
    try:
        names = next(csv.reader([line], delimiter=delimiter, quotechar=quote, strict=True, skipinitialspace=True), [])
    except csv.Error as error:
        raise UsageError(
            "{path}:{number}: not a header of a CSV table ({error})",
            "Fix that line.",
            path=path,
            number=number,
            error=error,
        ) from None
    columns = [name.strip() or f"column {place}" for place, name in enumerate(names, 1)]
    repeated = [name for name, count in Counter(columns).items() if count > 1]
    if repeated:
        raise UsageError(
            "{path}:{number}: two columns are named '{repeated}'",
            "Rename one of them.",
            path=path,
            number=number,
            repeated=min(repeated),
        )
    return columns
