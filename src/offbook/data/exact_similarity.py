"""Texts that say almost the same, found exactly: what `near` removes by MinHash is measured here by other means.

The likeness is the Jaccard similarity of the sets of character trigrams. Two texts can reach the threshold only if
they share one of their rarest trigrams, so that an index of those finds every candidate (prefix filtering: Bayardo,
Ma, Srikant 2007). Nothing is shared with `near` but the threshold: a fault there must not hide itself here.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from math import ceil

import numpy as np

from offbook.data.minhash import THRESHOLD

CODE_POINT_BITS = 21


def letters(text: str) -> str:
    """Letters and digits alone, without case and width; a text that has none stays as it is."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return plain if plain.isalnum() else "".join(filter(str.isalnum, plain)) or text.strip()


class Texts:
    """Texts as sets of trigrams, each trigram a number: the rarer, the smaller."""

    def __init__(self, texts: Sequence[str]) -> None:
        # A text of one or two letters is padded, and so has one trigram that no longer text has.
        padded = [letters(text).ljust(3, "\0") for text in texts]
        points = np.frombuffer("".join(padded).encode("utf-32-le"), np.uint32).astype(np.uint64)
        lengths = np.array([len(text) for text in padded])
        trigrams = (points[:-2] << 2 * CODE_POINT_BITS) | (points[1:-1] << CODE_POINT_BITS) | points[2:]
        owners = np.repeat(np.arange(len(padded)), lengths)[:-2]
        ends = np.cumsum(lengths)
        inside = np.arange(len(trigrams)) + 2 < ends[owners]
        _, numbers, counts = np.unique(trigrams[inside], return_inverse=True, return_counts=True)
        ranks = np.empty_like(counts)
        ranks[np.argsort(counts, kind="stable")] = np.arange(len(counts))
        # One number for (owner, rank): sorting it sorts each text's ranks, and repeats in a text fall together.
        pairs = np.sort(owners[inside] * len(counts) + ranks[numbers])
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]
        self._ranks = (pairs % len(counts)).astype(np.uint32)
        self._starts = np.searchsorted(pairs, np.arange(len(padded) + 1) * len(counts))
        self.singletons = int((counts == 1).sum())
        """Ranks below this one occur once in all texts, so they lead nowhere."""

    def ranks(self, number: int) -> np.ndarray:
        """The text's trigrams, the rarest first."""
        return self._ranks[self._starts[number] : self._starts[number + 1]]


class Index:
    """Some of the texts, and the question whether another is like one of them."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._known: dict[bytes, int] = {}
        self._postings: dict[int, list[int]] = defaultdict(list)

    def add(self, number: int) -> None:
        ranks = self._texts.ranks(number)
        if self._known.setdefault(ranks.tobytes(), number) == number:
            for rank in self._telling(ranks):
                self._postings[rank].append(number)

    def find(self, number: int) -> int | None:
        """A text among those added that is like this one."""
        ranks = self._texts.ranks(number)
        same = self._known.get(ranks.tobytes())
        if same is not None:
            return same
        members, asked = set(ranks.tolist()), set()
        for rank in self._telling(ranks):
            for candidate in self._postings.get(rank, ()):
                if candidate not in asked and _alike(members, self._texts.ranks(candidate)):
                    return candidate
                asked.add(candidate)
        return None

    def _telling(self, ranks: np.ndarray) -> list[int]:
        """So many of the rarest that a text which shares none of them cannot reach the threshold."""
        rarest = ranks[: len(ranks) - ceil(THRESHOLD * len(ranks)) + 1]
        return rarest[rarest >= self._texts.singletons].tolist()


def _alike(one: set[int], other: np.ndarray) -> bool:
    if not THRESHOLD <= len(one) / len(other) <= 1 / THRESHOLD:
        return False
    common = len(one.intersection(other.tolist()))
    return common >= THRESHOLD * (len(one) + len(other) - common)
