"""Texts that say almost the same, found exactly and without comparing each with each.

Two texts are similar if the sets of their character trigrams, letters and digits alone, have a Jaccard similarity of
`THRESHOLD` or more. They can reach it only if they share one of their rarest trigrams, so that an index of those finds
every candidate (prefix filtering: Bayardo, Ma, Srikant 2007), and every candidate is then compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from offbook.core.text import normalize

THRESHOLD = 0.7
CODE_POINT_BITS = 21

Ranks = npt.NDArray[np.uint32]


class TrigramSets:
    """Texts as sets of trigrams, each trigram a number: the rarer it is, the smaller. A text that is None has none."""

    def __init__(self, texts: Sequence[str | None]) -> None:
        # A text of one or two letters is padded, and so has one trigram that no longer text has.
        padded = ["" if text is None else normalize(text).ljust(3, "\0") for text in texts]
        points: npt.NDArray[Any] = np.frombuffer("".join(padded).encode("utf-32-le"), np.uint32).astype(np.uint64)
        lengths = np.array([len(text) for text in padded], np.int64)
        trigrams = (points[:-2] << 2 * CODE_POINT_BITS) | (points[1:-1] << CODE_POINT_BITS) | points[2:]
        text_index = np.repeat(np.arange(len(padded)), lengths)[:-2]
        boundaries = np.cumsum(lengths)
        within_text = np.arange(len(trigrams)) + 2 < boundaries[text_index]
        _, numbers, counts = np.unique(trigrams[within_text], return_inverse=True, return_counts=True)
        ranks = np.empty_like(counts)
        ranks[np.argsort(counts, kind="stable")] = np.arange(len(counts))
        # One number for (text, rank): sorting it sorts each text's ranks, and repeats in a text fall together.
        size = max(len(counts), 1)
        pairs = np.sort(text_index[within_text] * size + ranks[numbers])
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]
        self._ranks: Ranks = (pairs % size).astype(np.uint32)
        self._starts = np.searchsorted(pairs, np.arange(len(padded) + 1) * size)
        self.singletons = int((counts == 1).sum())
        """Trigrams that occur once in all texts have the ranks below this one; they lead to no other text."""

    def ranks(self, number: int) -> Ranks:
        """The text's trigrams as ranks, the rarest first."""
        return self._ranks[self._starts[number] : self._starts[number + 1]]


class SimilarityIndex:
    """Some of the texts, and the question whether another is similar to one of them.

    index = SimilarityIndex(TrigramSets(["who is there", "who is there?!", "the lamp is out"]))
    index.add(0)
    index.find(1), index.find(2)      # 0, None
    """

    def __init__(self, texts: TrigramSets) -> None:
        self._texts = texts
        self._first_of_set: dict[bytes, int] = {}
        self._postings: dict[int, list[int]] = defaultdict(list)

    def add(self, number: int) -> None:
        """Add a text to those that are found."""
        ranks = self._texts.ranks(number)
        if len(ranks) and self._first_of_set.setdefault(ranks.tobytes(), number) == number:
            for rank in self._prefix(ranks):
                self._postings[rank].append(number)

    def find(self, number: int) -> int | None:
        """The number of an added text that is similar to this one, or None."""
        ranks = self._texts.ranks(number)
        same = self._first_of_set.get(ranks.tobytes())
        if same is not None:
            return same
        members, compared = set(ranks.tolist()), set()
        for rank in self._prefix(ranks):
            for candidate in self._postings.get(rank, ()):
                if candidate not in compared and _is_similar(members, self._texts.ranks(candidate)):
                    return candidate
                compared.add(candidate)
        return None

    def _prefix(self, ranks: Ranks) -> list[int]:
        """So many of the rarest that a text which shares none of them cannot reach the threshold."""
        rarest = ranks[: len(ranks) - ceil(THRESHOLD * len(ranks)) + 1]
        return [int(rank) for rank in rarest[rarest >= self._texts.singletons]]


def _is_similar(one: set[int], other: Ranks) -> bool:
    if not THRESHOLD <= len(one) / len(other) <= 1 / THRESHOLD:
        return False
    shared = len(one.intersection(other.tolist()))
    return shared >= THRESHOLD * (len(one) + len(other) - shared)
