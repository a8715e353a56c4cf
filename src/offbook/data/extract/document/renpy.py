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
MONOLOGUE = re.compile(rf"^\s*{_WHO}?\s*\"{{3}}(?P<text>.*?)(?P<ended>\"{{3}}|$)")
"""Text of several paragraphs in three quotation marks, each a speech of its own."""
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
    for number, line in _without_monologues(script):
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


def _without_monologues(script: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The lines, with each paragraph of a monologue as a line of its speaker's."""
    rest = iter(script)
    for number, line in rest:
        if not (begin := MONOLOGUE.match(line)):
            yield number, line
            continue
        texts = [begin["text"]]
        for _, text in () if begin["ended"] else rest:
            before, close_mark, _ = text.partition('"""')
            texts.append(before)
            if close_mark:
                break
        speaker = begin["name"] or begin["id"] or ""
        for paragraph in re.split(r"\n\s*\n", "\n".join(texts)):
            if words := " ".join(paragraph.split()):
                yield number, f'{speaker} "{words.replace(chr(34), chr(92) + chr(34))}"'


def _string(literal: str) -> str:
    """What a string literal says, without markup, a variable as the placeholder {{name}}."""
    text = re.sub(r"\\(.)", lambda escaped: {"n": "\n", "t": " "}.get(escaped[1], escaped[1]), literal[1:-1])
    text = MARKUP.sub(lambda markup: "{" if markup[1] else "", text)
    return VARIABLE.sub(lambda variable: "[" if variable[1] else "{{" + variable["name"] + "}}", text).strip()
