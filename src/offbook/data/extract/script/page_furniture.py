"""What stands at the edges of pages in a text that was copied from a book or a PDF: page numbers and running heads.

A page may end amid a speech, so that they would be read as part of it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from offbook.data.extract.cue import Lines
from offbook.data.extract.script.headings import heading

PAGE = re.compile(r"^\W*(?i:page|seite|página|pagina|стр\.?)\s+\d{1,4}(?:\s*(?:/|of|von|de|di|из)\s*\d{1,4})?\W*$")
"""Page 12, Seite 12 von 30"""
NUMBER_ALONE = re.compile(r"^[\s\-–—\[(]*(?P<number>\d{1,4})[\s\-–—\])]*$")
"""12, - 12 -"""
HEAD = re.compile(r"^(?:(?P<left>\d{1,4})\s{2,}(?P<behind>\D+?)|(?P<before>\D+?)\s{2,}(?P<right>\d{1,4}))$")
"""THE STOVE      12, and on the other side 13      THE STOVE"""
FEWEST = 3
"""So many such lines, whose numbers grow, are those of pages."""
LONGEST = 80
"""Longer lines are prose."""
LONGEST_STEP = 30
"""Pages from one such number to the next, at most: a text may lack some."""


def without_page_furniture(lines: Lines) -> Iterator[tuple[int, str]]:
    """The lines without page numbers and running heads, and without the blank lines beside these.

    Args:
        lines: numbered lines; they are held in memory.
    """
    held = list(lines)
    furniture = _furniture(held)
    if not furniture:
        yield from held
        return
    for place, (number, text) in enumerate(held):
        beside = {place - 1, place + 1} & furniture
        if place not in furniture and not (beside and not text.strip()):
            yield number, text


def _furniture(lines: list[tuple[int, str]]) -> set[int]:
    """The places of the lines that number a page."""
    places: set[int] = set()
    numbered: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for place, (_, text) in enumerate(lines):
        stripped = text.strip()
        if len(stripped) > LONGEST or not any(map(str.isdigit, stripped[-2:] + stripped[:3])):
            continue
        if PAGE.match(stripped):
            places.add(place)
        elif alone := NUMBER_ALONE.match(stripped):
            numbered[""].append((place, int(alone["number"])))
        elif (head := HEAD.match(stripped)) and not heading(stripped):
            title = (head["behind"] or head["before"]).strip().casefold()
            numbered[title].append((place, int(head["left"] or head["right"])))
    for entries in numbered.values():
        steps = [after - before for (_, before), (_, after) in pairwise(entries)]
        if len(entries) >= FEWEST and all(0 < step <= LONGEST_STEP for step in steps):
            places.update(place for place, _ in entries)
    return places
