"""Ren'Py scripts (.rpy): `m "Is the lamp lit?"`, with `define m = Character("Mara")`.

Source: the Ren'Py documentation, Language Basics and Dialogue and Narration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from offbook.data.encoding import open_text
from offbook.data.extract.document.line import BrokenDocumentError, Line
from offbook.data.extract.word_lists import words

STRING = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
CHARACTER = re.compile(
    rf"^\s*(?:define|default)?\s*(?P<id>\w+)\s*=\s*(?:Dynamic)?Character\(\s*_?\(?\s*(?P<name>{STRING})"
)
_WHO = rf"(?:(?P<id>[^\W\d]\w*)(?:\s+[\w@-]+)*|(?P<name>{STRING}))"
'''m happy, "Mara"'''
_CLAUSES = r"(?:\(.*\)|with\s+\w+|nointeract|id\s+\w+)*"
SAY = re.compile(rf"^\s*{_WHO}?\s*(?P<text>{STRING})\s*{_CLAUSES}\s*$")
LABEL = re.compile(r"^\s*label\s+(?P<name>[\w.]+)")
MARKUP = re.compile(r"(\{\{)|\{[^{}]*\}")
VARIABLE = re.compile(r"(\[\[)|\[(?P<name>[^\[\]]+?)(?:![a-z]+)?\]")
"""[player], [mood!t]: what the game puts in; [[ is a bracket."""
KEYWORDS = words(
    """
    scene show hide play stop queue voice image define default init python label jump call return menu if elif else
    while pass with window pause transform screen style nvl old new translate text textbutton
    """
)
"""First words of statements that are no speech."""


def read(path: Path) -> Iterator[Line]:
    """The lines of a script: a speech under its speaker's name, narration in brackets, labels as headings."""
    script = list(open_text(path))
    names = {match["id"]: _string(match["name"]) for _, line in script if (match := CHARACTER.match(line))}
    spoken = 0
    for number, line in script:
        place: dict[str, int | str] = {"script_line": number}
        if match := LABEL.match(line):
            yield from (Line(f"# {match['name']}", place), Line("", place))
        elif (match := SAY.match(line)) and match["id"] not in KEYWORDS:
            text = _string(match["text"])
            name = _string(match["name"]) if match["name"] else names.get(match["id"] or "", match["id"] or "")
            spoken += bool(name)
            lines = [f"**{name}**", *text.split("\n"), ""] if name else [f"[{' '.join(text.split())}]", ""]
            yield from (Line(each, place) for each in lines)
    if not spoken:
        raise BrokenDocumentError("nobody speaks in this Ren'Py script", "Is the dialogue in another .rpy file?")


def _string(literal: str) -> str:
    """What a string literal says, without markup, a variable as the placeholder {{name}}."""
    text = re.sub(r"\\(.)", lambda escaped: {"n": "\n", "t": " "}.get(escaped[1], escaped[1]), literal[1:-1])
    text = MARKUP.sub(lambda markup: "{" if markup[1] else "", text)
    return VARIABLE.sub(lambda variable: "[" if variable[1] else "{{" + variable["name"] + "}}", text).strip()
