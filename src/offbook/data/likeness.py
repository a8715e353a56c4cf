"""Texts that say almost the same, found exactly: what `near` removes by MinHash is measured here by other means.

The likeness is the Jaccard similarity of the sets of character trigrams. Two texts can reach the threshold only if
they share one of their rarest trigrams, so that an index of those finds every candidate (prefix filtering: Bayardo,
Ma, Srikant 2007). Nothing is shared with `near` but the threshold: a fault there must not hide itself here.
"""

from __future__ import annotations

import unicodedata
from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence
from math import ceil

from offbook.data.near import THRESHOLD


class Texts:
    """Texts as sets of trigrams, each trigram a number: the rarer, the smaller."""

    def __init__(self, texts: Sequence[str]) -> None:
        frequency: Counter[str] = Counter()
        for text in texts:
            frequency.update(_trigrams(text))
        ranked = sorted(frequency, key=lambda trigram: (frequency[trigram], trigram))
        rank = {trigram: number for number, trigram in enumerate(ranked)}
        self.sets = [array("I", sorted(rank[trigram] for trigram in _trigrams(text))) for text in texts]


class Index:
    """Some of the texts, and the question whether another is like one of them."""

    def __init__(self, texts: Texts) -> None:
        self._sets = texts.sets
        self._known: dict[bytes, int] = {}
        self._postings: dict[int, list[int]] = defaultdict(list)

    def add(self, number: int) -> None:
        own = self._sets[number]
        if self._known.setdefault(own.tobytes(), number) == number:
            for trigram in _prefix(own):
                self._postings[trigram].append(number)

    def find(self, number: int) -> int | None:
        """A text among those added that is like this one."""
        own = self._sets[number]
        same = self._known.get(own.tobytes())
        if same is not None:
            return same
        asked: set[int] = set()
        members = set(own)
        for trigram in _prefix(own):
            for candidate in self._postings.get(trigram, ()):
                if candidate not in asked and _alike(members, self._sets[candidate]):
                    return candidate
                asked.add(candidate)
        return None


def _alike(one: set[int], other: Sequence[int]) -> bool:
    if not THRESHOLD <= len(one) / len(other) <= 1 / THRESHOLD:
        return False
    common = len(one.intersection(other))
    return common >= THRESHOLD * (len(one) + len(other) - common)


def _prefix(trigrams: Sequence[int]) -> Sequence[int]:
    """So many of the rarest that a text which shares none of them cannot reach the threshold."""
    return trigrams[: len(trigrams) - ceil(THRESHOLD * len(trigrams)) + 1]


def _trigrams(text: str) -> set[str]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    letters = "".join(sign for sign in plain if sign.isalnum()) or text.strip()
    return {letters[place : place + 3] for place in range(max(1, len(letters) - 2))}
