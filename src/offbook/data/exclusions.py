"""Rows that are understood and not learned: answers that are marked as bad, and what other characters say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from offbook.core.errors import UsageError
from offbook.core.text import normalize
from offbook.data.row_values import WEIGHT_LIKE, WEIGHTS, ColumnsError, LeftOut
from offbook.data.sources import Row

LABELS = ("label", "kto_tag")
BAD_LABELS = ("false", "undesirable", "bad", "rejected", "dispreferred")
COUNTS = ("weight", "loss_weight")
"""Columns of a row that say by a 0 that it is not learned; a loss of 0 may be a measurement."""
GOOD = re.compile(
    r"(?:(is)_)?(?:good|accepted|approved|chosen|keep|kept|selected|desirable|liked?|usable)", re.IGNORECASE
)
BAD = re.compile(
    r"(?:(is)_)?(?:bad|rejected|deleted|removed|discard|discarded|exclude|excluded|skip|undesirable|disliked?|flagged)",
    re.IGNORECASE,
)
"""Columns that say by a false, or by a true, that an answer was turned down; with `is_` before them by 0 or 1, too."""
NAMES_SHOWN = 3


def refuse_marked(row: Row) -> None:
    """Leave out what a row itself says is not to be learned.

    Args:
        row: a row as `columns.rename` gives it.

    Raises:
        LeftOut: it is a row of KTO whose answer is one to avoid, one of weight 0, or one that was turned down.
        ColumnsError: its label, or a list of marks, may mean that.
    """
    for column in LABELS:
        value = row.get(column)
        if value is False or (isinstance(value, str) and value.lower() in BAD_LABELS):
            raise LeftOut("rows are marked as bad answers (label: false)")
        if not isinstance(value, bool) and value in (0, "0"):
            raise ColumnsError(
                f"its {column} is 0, which may mark a bad answer (KTO): write false where it does, "
                f"or leave the column out: --data.columns ignore={column}"
            )
    for column, value in row.items():
        if (column in WEIGHTS and isinstance(value, list | dict)) or _are_marks(str(column), value):
            raise ColumnsError(
                f"its {column} may say which replies are not learned: write weight: 0 into those turns, "
                f"or leave the column out: --data.columns ignore={column}"
            )
        if (
            (column in WEIGHTS and _is(value, False))
            or (column in COUNTS and value == 0)
            or _says(GOOD, str(column), value, False)
            or _says(BAD, str(column), value, True)
        ):
            raise LeftOut("rows are marked as not to be learned ({column}: {value})", column=column, value=value)


def _are_marks(column: str, value: Any) -> bool:
    """Whether a column holds a 0 or 1 for each turn."""
    return (
        isinstance(value, list)
        and bool(value)
        and WEIGHT_LIKE.search(column) is not None
        and all(mark in (0, 1) for mark in value)
    )


def _says(names: re.Pattern[str], column: str, value: Any, answer: bool) -> bool:
    """Whether a column with one of some names answers so."""
    match = names.fullmatch(column)
    return match is not None and (_is(value, answer) or (match[1] is not None and str(value) == str(int(answer))))


def _is(value: Any, answer: bool) -> bool:
    return value is answer or (isinstance(value, str) and value.lower() == str(answer).lower())


def of_others(row_characters: Sequence[str | None], character: str | None, are_told_apart: bool) -> list[bool]:
    """Which rows are another character's, of a data set that has the character's own.

    Args:
        row_characters: whom each row names as its character, if it names one.
        character: the character's name.
        are_told_apart: whether each row has a system prompt, which may be another one for each character.

    Raises:
        UsageError: the rows are of several characters, of whom none is called so.
    """
    names = {normalize(row_character): row_character for row_character in row_characters if row_character}
    if character is None or len(names) < 2:  # one name may be another one of the character's
        return [False] * len(row_characters)
    if normalize(character) not in names:
        if are_told_apart:
            return [False] * len(row_characters)
        shown = ", ".join(list(names.values())[:NAMES_SHOWN])
        raise UsageError(
            "the rows are of {count} characters ({names}…), and none is called '{character}'",
            "Say whose are learned with --persona.name, or leave the column out that names them: "
            "--data.columns ignore=COLUMN",
            count=len(names),
            names=shown,
            character=character,
        )
    return [
        bool(row_character) and normalize(str(row_character)) != normalize(character)
        for row_character in row_characters
    ]
