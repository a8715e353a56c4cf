"""The rows of a table of messages (CSV, TSV), one by one."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, zip_longest

from offbook.data.extract.cue import Lines, ParseError

DELIMITERS = (",", "\t", ";", "|")
SPACED = re.compile(r'"[^"]*"(?: "[^"]*")+')
"""Names as R writes them: in quotation marks, with spaces between."""
LONGEST_CELL = 1 << 26
FEWEST_ROWS, MOST_COLUMNS, LONGEST_NAME = 4, 8, 30
"""Of a table whose columns have no names."""
MOST_CELLS = 200
"""In a row of any table."""
STAMPED = re.compile(r"(?=.*\d{1,2}:\d{2}).{0,12}\d[\d\s:./,TZ+-]{3,30}.{0,6}$")
"""A cell that holds a time."""
DAY = re.compile(r"\D{0,6}\d{1,4}[-/.年]\s?\d{1,2}[-/.月]\s?\d{1,4}\D{0,4}$")
CLOCK = re.compile(r"\D{0,6}\d{1,2}[:.]\d{2}(?:[:.]\d{2})?\D{0,6}$")
"""Cells that hold its two halves."""
NUMBER = re.compile(r"\d{1,18}$")


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
    if any(map(_is_number_below_a_name, each)):
        return {}
    times = time_columns(each)
    people = [place for place, column in enumerate(each) if place not in times.values() and _are_names(column)]
    texts = [place for place in range(len(each)) if place not in (*times.values(), *people[:1])]
    if not people or not texts:
        return {}
    text = max(texts, key=lambda place: sum(map(len, each[place])))
    if len(set(each[text])) < 0.5 * len(cells) or sum(map(len, each[text])) < 1.5 * sum(map(len, each[people[0]])):
        return {}
    return {kind: str(place) for kind, place in {"sender": people[0], "text": text, **times}.items()}


def is_rectangular(sample: Sequence[str]) -> bool:
    """Whether a text is a table, of whatever columns: each row has as many cells, and more than one."""
    return bool(_cells([line for line in sample if line.strip()], MOST_CELLS))


def _is_number_below_a_name(column: Sequence[str]) -> bool:
    """Whether a column's first cell names its times or numbers: then the table has names, in words that are unknown."""
    below = any(all(map(pattern.match, column[1:])) for pattern in (NUMBER, CLOCK, DAY, STAMPED))
    return below and any(map(str.isalpha, column[0])) and not any(map(str.isdecimal, column[0]))


def time_columns(each: Sequence[Sequence[str]]) -> dict[str, int]:
    """The column of times, or the two of days and of clocks."""

    def column(pattern: re.Pattern[str]) -> int | None:
        return next((place for place, cells in enumerate(each) if all(map(pattern.match, cells))), None)

    clock, day = column(CLOCK), column(DAY)
    if clock is not None and day is not None:
        return {"day": day, "time": clock}
    time = column(STAMPED)
    return {} if time is None else {"time": time}


def read_unnamed(lines: Lines) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a table without names: its cells by number, from 0 on; a quoted cell may hold line breaks.

    Raises:
        ParseError: a quote is never closed, or a row has another number of cells than the first.
    """
    first = [text for _, text in islice(iter(lines), 100)]
    delimiter = _delimiter([line for line in first if line.strip()]) or _sign_of(next(filter(str.strip, first), ""))
    width = 0
    for line, cells in _rows(lines, delimiter):
        width = width or len(cells)
        if len(cells) != width:
            raise ParseError(line, "{cells} cells under {columns} columns", cells=len(cells), columns=width)
        yield line, {str(place): cell.strip() for place, cell in enumerate(cells)}


def _sign_of(header: str) -> str:
    """The sign between the names of a table's first line."""
    return " " if SPACED.fullmatch(header.strip()) else max(DELIMITERS, key=header.count)


def _cells(lines: Sequence[str], most_columns: int = MOST_COLUMNS) -> list[list[str]]:
    if len(lines) < FEWEST_ROWS or not (delimiter := _delimiter(lines)):
        return []
    rows = _split(lines, delimiter)
    return rows if len(rows) >= FEWEST_ROWS and 1 < len(rows[0]) <= most_columns else []


def _delimiter(lines: Sequence[str]) -> str:
    """The sign that parts each row into as many cells, or ""."""
    widths = {sign: {len(row) for row in _split(lines, sign)} for sign in DELIMITERS}
    return next((sign for sign, width in widths.items() if len(width) == 1 and max(width) > 1), "")


def _split(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """The rows of a table's head, without one that is cut short."""
    rows: list[list[str]] = []
    try:
        for _, cells in _rows(list(enumerate(lines, 1)), delimiter):
            rows.append([cell.strip() for cell in cells])
    except ParseError:
        pass
    return rows


def _are_names(column: Sequence[str]) -> bool:
    short = all(0 < len(cell) <= LONGEST_NAME and any(map(str.isalpha, cell[:3])) for cell in column)
    return short and len(set(column)) <= max(2, len(column) / 1.5) and len(set(column)) > 1


def read_table(lines: Lines) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows under their column names (lower case), each with its line; a quoted cell may hold line breaks.

    Raises:
        ParseError: a quote is never closed, or a row has other cells than the first line names.
    """
    texts = iter(lines)
    header = next(texts, (0, ""))[1]
    names = columns(header)
    for line, row in _rows(texts, _sign_of(header)):
        cells = row
        if len(cells) == len(names) + 1 and SPACED.fullmatch(header.strip()):
            cells = cells[1:]  # R numbers the rows and does not name that column
        if len(cells) > len(names) and any(cells[len(names) :]):
            raise ParseError(line, "{cells} cells under {columns} columns", cells=len(cells), columns=len(names))
        yield line, dict(zip_longest(names, cells[: len(names)], fillvalue=""))


def _rows(lines: Iterable[tuple[int, str]], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold anything, each with the line that it begins on."""
    numbered = iter(lines)
    first = next(numbered, None)
    if first is None:
        return
    numbers = [first[0] - 1]

    def feed() -> Iterator[str]:
        for number, text in chain([first], numbered):
            numbers.append(number)
            del numbers[:-1]
            yield text.lstrip("\ufeff") + "\n"

    csv.field_size_limit(LONGEST_CELL)
    table = csv.reader(feed(), delimiter=delimiter, strict=True)
    while True:
        line = numbers[0] + 1
        try:
            cells = next(table, None)
        except csv.Error as error:
            raise ParseError(line, "not a row of the table ({error})", error=error) from None
        if cells is None:
            return
        if any(cells):
            yield line, cells
