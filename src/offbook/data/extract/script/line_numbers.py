"""The numbers at the lines of a page, as transcripts of courts have them: from 1 to 25, then again from 1."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice

from offbook.data.extract.cue import Lines

NUMBER = re.compile(r"^\s{0,8}(?P<number>\d{1,2})(?=\s|$)")
SAMPLE = 120
"""So many lines at the head of a text tell whether its lines are numbered."""
FEWEST, MOSTLY = 10, 0.7


def without_line_numbers(lines: Lines) -> Iterator[tuple[int, str]]:
    """The lines; where nearly each begins with the number that follows on the one above, without these."""
    rest = iter(lines)
    sample = list(islice(rest, SAMPLE))
    all_lines = chain(sample, rest)
    if not _are_numbered(sample):
        yield from all_lines
        return
    for place, text in all_lines:
        yield place, "" if text.strip().isdigit() else NUMBER.sub("", text)  # a number alone is the page's


def _are_numbered(sample: list[tuple[int, str]]) -> bool:
    texts = [text for _, text in sample if text.strip()]
    follow = last = 0
    for text in texts:
        number = int(match["number"]) if (match := NUMBER.match(text)) else 0
        follow += number in (1, last + 1)
        last = number or last
    return follow >= max(FEWEST, MOSTLY * len(texts))
