"""The rows of a table of messages (CSV, TSV), one by one."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest

from offbook.data.extract.cue import Lines, ParseError

DELIMITERS = (",", "\t", ";", "|")
SPACED = re.compile(r'"[^"]*"(?: "[^"]*")+')
"""Names as R writes them: in quotation marks, with spaces between."""
LONGEST_CELL = 1 << 26
FEWEST_ROWS, MOST_COLUMNS, LONGEST_NAME = 4, 8, 30
"""Of a table whose columns have no names."""
STAMPED = re.compile(r"(?=.*\d{1,2}:\d{2}).{0,12}\d[\d\s:./,TZ+-]{3,30}.{0,6}$")
"""A cell that holds a time."""


def columns(first_line: str) -> list[str]:
    """The names in a table's first line, as they are compared: no case, no spaces around them."""
    line = first_line.lstrip("\ufeff")
    delimiter = _sign_of(line)
    try:
        cells = next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []
    return [cell.strip().casefold() for cell in cells]


def unnamed_columns(sample: Sequence[str]) -> dict[str, str]:
    """What the columns of a table without names hold: sender, text, perhaps time → their numbers; {} for no table.

    Who writes recurs and is short; the text is the longest; each row has as many cells.
    """
    cells = _cells([line for line in sample if line.strip()])
    if not cells:
        return {}
    each = list(zip(*cells, strict=True))
    time = next((place for place, column in enumerate(each) if all(STAMPED.match(cell) for cell in column)), None)
    people = [place for place, column in enumerate(each) if place != time and _are_names(column)]
    texts = [place for place in range(len(each)) if place not in (time, *people[:1])]
    if not people or not texts:
        return {}
    text = max(texts, key=lambda place: sum(map(len, each[place])))
    if len(set(each[text])) < 0.5 * len(cells) or sum(map(len, each[text])) < 1.5 * sum(map(len, each[people[0]])):
        return {}
    columns_held = {"sender": str(people[0]), "text": str(text)}
    return columns_held if time is None else {**columns_held, "time": str(time)}


def read_unnamed(lines: Lines) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a table without names: its cells by number.

    Raises:
        ParseError: a row has another number of cells than the first.
    """
    first = [text for _, text in islice(iter(lines), 100)]
    delimiter = _delimiter([line for line in first if line.strip()])
    width = 0
    for number, text in lines:
        if not text.strip():
            continue
        cells = _split(text, delimiter)
        width = width or len(cells)
        if len(cells) != width:
            raise ParseError(number, "{cells} cells under {columns} columns", cells=len(cells), columns=width)
        yield number, {str(place): cell for place, cell in enumerate(cells)}


def _sign_of(header: str) -> str:
    """The sign between the names of a table's first line."""
    return " " if SPACED.fullmatch(header.strip()) else max(DELIMITERS, key=header.count)


def _cells(lines: Sequence[str]) -> list[list[str]]:
    if len(lines) < FEWEST_ROWS or not (delimiter := _delimiter(lines)):
        return []
    rows = [_split(line, delimiter) for line in lines]
    return rows if len({len(row) for row in rows}) == 1 and 1 < len(rows[0]) <= MOST_COLUMNS else []


def _delimiter(lines: Sequence[str]) -> str:
    """The sign that parts each line into as many cells, or ""."""
    widths = {sign: {len(_split(line, sign)) for line in lines} for sign in DELIMITERS}
    return next((sign for sign, width in widths.items() if len(width) == 1 and max(width) > 1), "")


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return [
            cell.strip() for cell in next(csv.reader([line.lstrip("\ufeff")], delimiter=delimiter, strict=True), [])
        ]
    except csv.Error:
        return []


def _are_names(column: Sequence[str]) -> bool:
    short = all(0 < len(cell) <= LONGEST_NAME and cell[0].isalpha() for cell in column)
    return short and len(set(column)) <= max(2, len(column) / 1.5) and len(set(column)) > 1


def read_table(lines: Lines) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows under their column names (lower case), each with its line; a quoted cell may hold line breaks.

    Raises:
        ParseError: a quote is never closed, or a row has other cells than the first line names.
    """
    numbers, texts = [0], iter(lines)

    def feed() -> Iterator[str]:
        for number, text in texts:
            numbers.append(number)
            del numbers[:-1]
            yield text + "\n"

    csv.field_size_limit(LONGEST_CELL)
    source = feed()
    header = next(source, "")
    names = columns(header)
    table = csv.reader(source, delimiter=_sign_of(header), strict=True)
    while True:
        line = numbers[0] + 1
        try:
            cells = next(table, None)
        except csv.Error as error:
            raise ParseError(line, "not a row of the table ({error})", error=error) from None
        if cells is None:
            return
        if not any(cells):
            continue
        if len(cells) == len(names) + 1 and SPACED.fullmatch(header.strip()):
            cells = cells[1:]  # R numbers the rows and does not name that column
        if len(cells) > len(names) and any(cells[len(names) :]):
            raise ParseError(line, "{cells} cells under {columns} columns", cells=len(cells), columns=len(names))
        yield line, dict(zip_longest(names, cells[: len(names)], fillvalue=""))
