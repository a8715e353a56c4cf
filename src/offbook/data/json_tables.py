"""Tables that were written into one JSON value, as pandas does by default: back to rows.

table_rows({"prompt": {"0": "Lit?"}, "response": {"0": "Since four."}})
"""

from __future__ import annotations

from types import NoneType
from typing import Any

OBJECT_KEY = "object_key"
"""The column of the names under which rows stood in an object, where they may be characters'."""


CELLS = (str, int, float, NoneType)
MARKS = frozenset({"label"})
"""A list beside what is asked and answered in turn in one row (ERNIEKit)."""


def table_rows(value: Any) -> list[Any] | None:
    """The rows of a table that an object holds in one of pandas' shapes, or as lists of cells; None where it is none.

    Args:
        value: an object of columns (name → cells by number, or a list of cells), of rows (number or name → row), or of
            `columns` and `data`.
    """
    if not isinstance(value, dict) or not value:
        return None
    columns, data = value.get("columns"), value.get("data")
    if (
        isinstance(columns, list)
        and _texts(columns)
        and isinstance(data, list)
        and data
        and all(isinstance(row, list) for row in data)
    ):
        return [dict(zip(columns, row, strict=False)) for row in data]
    parts = list(value.values())
    if all(isinstance(part, dict) and part for part in parts):
        if all(key.isdigit() for key in value):
            return parts
        numbers = list(parts[0])
        if all(list(part) == numbers for part in parts) and all(key.isdigit() for key in numbers):
            return [{name: column[number] for name, column in value.items()} for number in numbers]
        if len(parts) > 1 and all(map(is_row, parts)) and len(set.intersection(*map(set, parts))) > 1:
            is_of_words = not any(letter.isdigit() for key in value for letter in key)  # an id has digits
            return [{OBJECT_KEY: key, **part} for key, part in value.items()] if is_of_words else parts
    are_cells = all(isinstance(part, list) and all(isinstance(cell, CELLS) for cell in part) for part in parts)
    are_columns = are_cells and sum(map(_texts, parts)) > 1 and not MARKS & value.keys()
    if are_columns and len({len(part) for part in parts}) == 1:
        return [dict(zip(value, cells, strict=True)) for cells in zip(*parts, strict=True)]
    return None


def is_row(value: dict[str, Any]) -> bool:
    """Whether an object holds at least two texts, and is no message."""
    return not {"role", "from"} & value.keys() and sum(isinstance(part, str) for part in value.values()) > 1


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(text, str) for text in value)
