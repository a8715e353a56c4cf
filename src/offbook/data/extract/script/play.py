"""Plays in the English manner: the speaker's name in bold, in capitals, abbreviated or indented; verse or prose below.

**HAMLET**            HAMLET. To be, or          Ham. To be, or            HAMLET
To be, or not to be   not to be                  not to be                   To be, or not to be
"""

from __future__ import annotations

from collections.abc import Iterator

from offbook.data.extract.cue import Cue, Lines, Skipped
from offbook.data.extract.script import reader
from offbook.data.extract.script.profile import Style

STYLE = Style(
    layouts=("bold", "colon", "dot", "alone", "tab", "dash", "capitals"),
    chinese=(),
    latin=("bold", "dot", "alone", "tab", "dash", "capitals"),
    narrates=False,
)


def read(lines: Lines) -> Iterator[Cue | Skipped]:
    """The cues of a play."""
    return reader.read(lines, STYLE)


def looks_like(sample: list[str]) -> float:
    """How much a text looks like a play: 0 … 1."""
    return reader.likeness(sample, STYLE)
