"""Texts that say almost the same, found without comparing each with each (MinHash and banding, Broder 1997).

Two texts are alike if the sets of their character trigrams, letters and digits alone, have a Jaccard similarity of
`THRESHOLD` or more. Candidates come from 64 bands of 5 MinHash values: a pair at the threshold is missed once in
100,000 times, and every candidate is then compared exactly.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from zlib import crc32

import numpy as np
from datasketch import MinHash

THRESHOLD = 0.7
BANDS, ROWS = 64, 5
NOTHING: list[int] = []


def normalize(text: str) -> str:
    """The text as it is compared: letters and digits only, without case and width; other text stays as it is."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold()) or text.strip()


class MinHashIndex:
    """Texts with their candidates for likeness; a text that is None is like no other."""

    def __init__(self, texts: Sequence[str | None]) -> None:
        classes: dict[str, int] = {}
        self.of = [None if text is None else classes.setdefault(normalize(text), len(classes)) for text in texts]
        """Text → its class: texts that are equal once normal."""
        self._texts = list(classes)
        self._buckets: dict[int, list[int]] = defaultdict(list)
        for bucket, members in enumerate(_buckets(self._texts)):
            for member in members:
                self._buckets[member].append(bucket)

    def buckets(self, kind: int) -> list[int]:
        """The buckets that a class shares with others."""
        return self._buckets.get(kind, NOTHING)

    def has_alike(self, kind: int, others: Iterable[int]) -> bool:
        """Whether one of the other classes reaches the threshold with this one."""
        own = _trigrams(self._texts[kind])
        for other in others:
            trigrams = _trigrams(self._texts[other])
            common = len(own & trigrams)
            if common >= THRESHOLD * (len(own) + len(trigrams) - common):
                return True
        return False


class SeenIndex:
    """Some of the texts of a Near, and the question whether another is like one of them."""

    def __init__(self, near: MinHashIndex) -> None:
        self._near = near
        self._classes: set[int] = set()
        self._members: dict[int, list[int]] = defaultdict(list)

    def add(self, index: int) -> None:
        kind = self._near.of[index]
        if kind is not None and kind not in self._classes:
            self._classes.add(kind)
            for bucket in self._near.buckets(kind):
                self._members[bucket].append(kind)

    def has_like(self, index: int) -> bool:
        kind = self._near.of[index]
        if kind is None:
            return False
        if kind in self._classes:
            return True
        candidates = {member for bucket in self._near.buckets(kind) for member in self._members.get(bucket, NOTHING)}
        return self._near.has_alike(kind, candidates)


def _trigrams(text: str) -> set[str]:
    return {text[start : start + 3] for start in range(max(1, len(text) - 2))}


def _buckets(texts: Sequence[str]) -> Iterator[list[int]]:
    """Groups of two or more texts that agree in all values of a band."""
    signatures = np.empty((len(texts), BANDS * ROWS), np.uint32)
    # One MinHash, cleared: making 100,000 of them costs as much as the hashing.
    minhash = MinHash(num_perm=BANDS * ROWS, hashfunc=crc32)
    for index, text in enumerate(texts):
        minhash.clear()
        minhash.update_batch([trigram.encode() for trigram in _trigrams(text)])
        signatures[index] = minhash.hashvalues
    mixers = np.random.default_rng(0).integers(2**64, size=ROWS, dtype=np.uint64) | 1
    for band in range(BANDS):
        values = signatures[:, band * ROWS : (band + 1) * ROWS].astype(np.uint64)
        keys = (values * mixers).sum(axis=1)
        _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
        shared = np.flatnonzero(counts[inverse] > 1)
        order = shared[np.argsort(inverse[shared], kind="stable")]
        ends = np.cumsum(counts[counts > 1])
        yield from (group.tolist() for group in np.split(order, ends[:-1]) if len(group))
