"""The rows of a character: windows of a file of any length, by an index of where each row begins.

A row's id is a hash of its line, so that edits stay with their rows when the lines are extracted anew.
"""

from __future__ import annotations

import json
import re
import stat
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any

CONFIDENCE = re.compile(rb'"confidence": ?([0-9.]+)\}?\s*$')
"""At the end of a line as `extract` writes it."""
ID = re.compile(r"([0-9a-f]{16})(?:-([1-9]\d{0,8}))?")
"""A row's hash, and which of several equal rows it is."""


class RowIndex:
    """Where each row of a JSONL file begins, its id, and how sure its speaker is: some 30 bytes a row.

    Args:
        path: the file; it is read once, line by line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offsets = array("Q")
        self.confidences = array("d")
        self._digests = array("Q")
        offset = 0
        with path.open("rb") as file:
            for line in file:
                if line.strip():
                    digest = blake2b(line.strip(), digest_size=8).digest()
                    self.offsets.append(offset)
                    self._digests.append(int.from_bytes(digest, "big"))
                    match = CONFIDENCE.search(line[-40:])
                    self.confidences.append(float(match[1]) if match else 1.0)
                offset += len(line)
        self._by_digest = array("I", sorted(range(len(self)), key=self._digests.__getitem__))
        self._repeats: dict[int, int] = {}
        """Place of a row that is equal to an earlier one → the how many-th of them it is."""
        for before, place in pairwise(self._by_digest):
            if self._digests[before] == self._digests[place]:
                self._repeats[place] = self._repeats.get(before, 1) + 1

    def __len__(self) -> int:
        return len(self.offsets)

    def id(self, place: int) -> str:
        """The id of the row at a place of the file."""
        number = self._repeats.get(place, 1)
        return f"{self._digests[place]:016x}" + (f"-{number}" if number > 1 else "")

    def place(self, name: str) -> int | None:
        """Where the row with an id stands in the file; None where there is none."""
        match = ID.fullmatch(name)
        if match is None:
            return None
        at = bisect_left(self._by_digest, int(match[1], 16), key=self._digests.__getitem__) + int(match[2] or 1) - 1
        place = self._by_digest[at] if at < len(self) else None
        return place if place is not None and self.id(place) == name else None

    def places(self, names: Iterable[str]) -> set[int]:
        """Where rows stand in the file; those that are not in it are left out."""
        return {place for name in names if (place := self.place(name)) is not None}

    @cached_property
    def by_confidence(self) -> Sequence[int]:
        """The places, least sure first; those that are equally sure in the file's order."""
        return array("I", sorted(range(len(self)), key=self.confidences.__getitem__))

    def read(self, places: Sequence[int]) -> list[dict[str, Any]]:
        """The rows at these places."""
        with self.path.open("rb") as file:
            rows = []
            for place in places:
                file.seek(self.offsets[place])
                rows.append(parse_row(file.readline()))
            return rows

    def lines(self) -> Iterator[bytes]:
        """The line of every row."""
        with self.path.open("rb") as file:
            yield from (line for line in file if line.strip())


def index_of(path: Path) -> RowIndex | None:
    """The index of a file as it is now; None where there is no such file."""
    try:
        status = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for
        return None
    return _index(path, status.st_mtime_ns, status.st_size)


@lru_cache(4)
def _index(path: Path, _modified: int, _size: int) -> RowIndex:
    return RowIndex(path)


def parse_row(line: bytes) -> dict[str, Any]:
    """A line as a row; what is none is a row without messages."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict) or not isinstance(row.get("messages"), list):
        row = {"messages": []}
    messages = [each for each in row["messages"] if isinstance(each, dict) and isinstance(each.get("content"), str)]
    return {**row, "messages": messages}
