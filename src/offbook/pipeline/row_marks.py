"""What can be seen in one row by itself, without the others and without a model: for lists of rows that are edited."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from offbook.data import patterns, placeholders

MARKS: dict[str, Callable[[str], str | None]] = {
    "markup": patterns.markup,
    "special_tokens": patterns.special,
    "placeholders": placeholders.find,
    "unbalanced": patterns.unbalanced,
}
"""Name of a finding of `check` → the piece of a text that has it."""


def marks_of(texts: Sequence[str]) -> list[str]:
    """The findings of `check` that a row's texts show."""
    return [name for name, find in MARKS.items() if any(find(text) for text in texts)]


def personal_of(texts: Sequence[str]) -> list[str]:
    """Mail addresses, phone and ID numbers in a row's texts, the first of each text."""
    return [piece for text in texts if (piece := patterns.personal(text))]
