"""What is said of a row whose columns are those of no format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from offbook.core.registry import nearest
from offbook.core.text import normalize
from offbook.data.row_values import ColumnsError

SENTENCE = re.compile(r"[.?!…。？！]$|\S\s+\S+\s+\S|[，。？！]")
"""Something that is said, and no name of a column."""
MOST_COLUMNS = 100
"""Columns of a row among which a misspelt one is looked for."""


def unknown_columns(
    columns: Sequence[str], character: object, formats: Iterable[str], expected: Sequence[str]
) -> ColumnsError:
    """The error that says what may be done about the columns of a row.

    Args:
        columns: those that the file has.
        character: the character's name, if it is known.
        formats: the names of the formats.
        expected: the columns that they know.
    """
    hint = next((hint for key in columns[:MOST_COLUMNS] if (hint := nearest(key, expected))), "")
    names = ", ".join(columns) or "none"
    if len(columns) > 1 and all(map(SENTENCE.search, columns[:2])):
        return ColumnsError(
            "the names of its columns ({names}) look like what somebody says: the first line of a table names the "
            "columns, as in prompt,reply; in JSON, each row is an object with the keys prompt and reply",
            names=names[:80],
        )
    named_after = next((column for column in columns if _is(column, character)), None)
    if named_after is not None:
        return ColumnsError(
            "its column '{name}' bears the character's name, and the others perhaps those of who speaks to it: say "
            "which holds what is answered, as in --data.columns prompt=COLUMN,reply={name}",
            name=named_after,
        )
    return ColumnsError(
        "its columns ({names}) are those of no format ({formats}){hint}",
        names=names[:80],
        formats=", ".join(formats),
        hint=hint,
    )


def _is(column: str, character: object) -> bool:
    return isinstance(character, str) and normalize(column) == normalize(character)
