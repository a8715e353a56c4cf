"""The rows of a table of messages (CSV, TSV), one by one."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import zip_longest

from offbook.data.extract.cue import Lines, ParseError

DELIMITERS = (",", "\t", ";", "|")
LONGEST_CELL = 1 << 26


def columns(first_line: str) -> list[str]:
    """The names in a table's first line, as they are compared: no case, no spaces around them."""
    line = first_line.lstrip("\ufeff")
    delimiter = max(DELIMITERS, key=line.count)
    try:
        cells = next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []
    return [cell.strip().casefold() for cell in cells]


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
    table = csv.reader(source, delimiter=max(DELIMITERS, key=header.count), strict=True)
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
        if len(cells) > len(names) and any(cells[len(names) :]):
            raise ParseError(line, "{cells} cells under {columns} columns", cells=len(cells), columns=len(names))
        yield line, dict(zip_longest(names, cells[: len(names)], fillvalue=""))
