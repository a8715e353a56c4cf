"""Lists of words written as text, for the modules that tell things by words."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a list; an underscore stands for a space within one."""
    return frozenset(word.replace("_", " ") for word in text.split())


def one_of(text: str) -> str:
    """A pattern for any word of a list, the longest first."""
    return "(?:" + "|".join(sorted(words(text), key=len, reverse=True)) + ")"
