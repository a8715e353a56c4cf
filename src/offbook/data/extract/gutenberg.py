"""Project Gutenberg's header and licence: the book stands between the lines that mark its start and its end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

START = re.compile(r"^\s*\*{3}\s*START OF (?:THE|THIS) PROJECT GUTENBERG", re.IGNORECASE)
SMALL_PRINT = re.compile(r"^\s*\*?END\*?\s*THE SMALL PRINT", re.IGNORECASE)
END = re.compile(
    r"^\s*\*{3}\s*END OF (?:THE|THIS) PROJECT GUTENBERG|^\s*End of (?:the |this )?Project Gutenberg", re.IGNORECASE
)
HEADER = 600
"""So many lines from the start the header may end."""


def within_book(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The lines of the book alone; all lines where nothing marks its start and its end."""
    held: list[tuple[int, str]] | None = []
    for number, text in lines:
        if held is not None and (START.match(text) or SMALL_PRINT.match(text)):
            held = None
            continue
        # A look at the first sign spares most lines the pattern.
        if (text[:1] in "*Ee" or text[:1].isspace()) and END.match(text):
            break
        if held is None:
            yield number, text
            continue
        held.append((number, text))
        if len(held) >= HEADER:
            yield from held
            held = None
    yield from held or ()
