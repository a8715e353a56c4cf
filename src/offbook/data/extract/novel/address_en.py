"""The words by which somebody is spoken to in what is said in English: come, Tom, …; yes, my dear papa."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from offbook.data.extract.novel.names_en import CAPITAL, LISTS, NAME, is_person, tidy
from offbook.data.extract.word_lists import one_of

HELD = 1 << 15
"""Answers of so many texts are held: more than a long novel has, which is learned from before it is read."""
_SET_OFF = r"(?=\s*(?:[,.!?;—]|--|$))"
CAPITAL_LETTER = re.compile(CAPITAL)
NAMED = re.compile(rf"(?:[Mm]y\s+)?(?:[Dd]ear(?:est)?\s+)?(?P<speaker>{NAME}){_SET_OFF}")
"""(“Come,) Tom(,” …)"""
WORD_OF_ADDRESS = re.compile(rf"{one_of(LISTS['address'])}{_SET_OFF}")
"""(“yes,) papa(,” …)"""
BROUGHT_IN = re.compile(
    r"(?:^|[,.!?;—-]\s*|\b(?:dear(?:est)?|oh?,?|yes,?|no,?|poor)\s+)(?:my\s+)?(?:dear(?:est)?\s+)?$", re.IGNORECASE
)
"""What stands before a form of address: a stop, and words that go with it."""
LONGEST_LEAD = 40


@lru_cache(HELD)
def called(speech: str) -> tuple[str, ...]:
    """The names by which somebody is addressed in what is said."""
    names = (tidy(match["speaker"]) for match in _names_set_off(speech))
    return tuple(name for name in names if is_person(name))


@lru_cache(HELD)
def addresses(speech: str) -> frozenset[str]:
    """The forms of address in what is said: names, and words such as papa and sir in small letters."""
    lower = speech.lower()
    words = (match[0] for match in WORD_OF_ADDRESS.finditer(lower) if _is_brought_in(lower, match.start()))
    return frozenset((*called(speech), *words))


def _names_set_off(speech: str) -> Iterator[re.Match[str]]:
    at = 0
    for capital in CAPITAL_LETTER.finditer(speech):
        match = NAMED.match(speech, capital.start()) if capital.start() >= at else None
        if match and _is_brought_in(speech, match.start()):
            at = match.end()
            yield match


def _is_brought_in(text: str, at: int) -> bool:
    return BROUGHT_IN.search(text, max(0, at - LONGEST_LEAD), at) is not None
