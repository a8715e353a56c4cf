"""The text that a character's lines come from, in numbered lines."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from offbook.data.extract.source import open_source

LONGEST_LINE = 2000
"""Characters of a line that are shown."""


def lines_of(path: Path, first: int, last: int) -> list[tuple[int, str]]:
    """Lines of a source, with their numbers as `extract` counts them.

    Args:
        path: a file of any kind that `extract` reads.
        first: the number of the first line.
        last: of the last.

    Raises:
        UsageError: the file cannot be read.
    """
    numbered = (line for line in open_source(path) if line[0] >= first)
    return [(number, text[:LONGEST_LINE]) for number, text in islice(numbered, last - first + 1) if number <= last]
