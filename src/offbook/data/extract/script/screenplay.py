"""Screenplays in the Chinese manner, `角色：台词`, with headings and directions; `NAME: line` in any language.

第12幕
（夜，碎玉轩）
甄嬛（低头）：臣妾不敢。
"""

from __future__ import annotations

from collections.abc import Iterator

from offbook.data.extract.cue import Cue, Lines, Skipped
from offbook.data.extract.script import reader
from offbook.data.extract.script.profile import Style

STYLE = Style(
    layouts=("colon", "bold", "bracket", "corner", "angle", "gap", "pipe", "alone", "dash", "dot"),
    chinese=("colon", "bold", "bracket", "corner", "angle", "gap", "pipe", "alone", "dash"),
    latin=("colon", "bracket", "angle", "pipe"),
    narrates=True,
)


def read(lines: Lines) -> Iterator[Cue | Skipped]:
    """The cues of a screenplay."""
    return reader.read(lines, STYLE)


def looks_like(sample: list[str]) -> float:
    """How much a text looks like a screenplay: 0 … 1."""
    return reader.likeness(sample, STYLE)
