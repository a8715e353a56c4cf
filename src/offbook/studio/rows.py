"""The rows of a character: windows of a file of any length, by an index of where each row begins.

A row's id is a hash of its line, so that edits stay with their rows when the lines are extracted anew.
"""

from __future__ import annotations

import json
import re
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

CONFIDENCE = re.compile(rb'"confidence": ?([0-9.]+)\}?\s*$')
"""At the end of a line as `extract` writes it."""


class RowIndex:
    """Where each row of a JSONL file begins, its id, and how sure its speaker is.

    Args:
        path: the file; it is read once, line by line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offsets = array("Q")
        self.confidences = array("d")
        self.ids: list[str] = []
        repeats: Counter[bytes] = Counter()
        offset = 0
        with path.open("rb") as file:
            for line in file:
                if line.strip():
                    digest = blake2b(line.strip(), digest_size=8)
                    repeats[digest.digest()] += 1
                    number = repeats[digest.digest()]
                    self.offsets.append(offset)
                    self.ids.append(digest.hexdigest() + (f"-{number}" if number > 1 else ""))
                    match = CONFIDENCE.search(line[-40:])
                    self.confidences.append(float(match[1]) if match else 1.0)
                offset += len(line)
        self.places = {name: place for place, name in enumerate(self.ids)}
        """Id → place in the file."""

    def __len__(self) -> int:
        return len(self.ids)

    def by_confidence(self) -> list[int]:
        """The places, least sure first; those that are equally sure in the file's order."""
        return sorted(range(len(self)), key=self.confidences.__getitem__)

    def read(self, places: Sequence[int]) -> list[dict[str, Any]]:
        """The rows at these places."""
        with self.path.open("rb") as file:
            rows = []
            for place in places:
                file.seek(self.offsets[place])
                rows.append(parse_row(file.readline()))
            return rows

    def lines(self) -> Iterator[tuple[str, bytes]]:
        """(id, line) of every row."""
        with self.path.open("rb") as file:
            yield from zip(self.ids, (line for line in file if line.strip()), strict=True)


def index_of(path: Path) -> RowIndex | None:
    """The index of a file as it is now; None where there is no such file."""
    try:
        status = path.stat()
    except OSError:
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
