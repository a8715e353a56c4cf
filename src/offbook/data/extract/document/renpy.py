"""Ren'Py scripts (.rpy): `m "Is the lamp lit?"`, with `define m = Character("Mara")`.

Source: the Ren'Py documentation, Language Basics and Dialogue and Narration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from offbook.data.encoding import open_text
from offbook.data.extract.document.line import BrokenDocumentError, Line, Place, narration, speech
from offbook.data.extract.word_lists import words

STRING = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
CHARACTER = re.compile(
    r"^\s*(?:define|default|\$)?\s*(?P<id>\w+)\s*=\s*(?:Dynamic)?Character\("
    rf"\s*(?:name\s*=\s*)?(?:_?\(?\s*(?P<name>{STRING})|(?P<none>None))"
)
_WHO = rf"(?:(?P<id>[^\W\d]\w*)(?:\s+[\w@-]+)*|(?P<name>{STRING}))"
'''m happy, "Mara"'''
_CLAUSES = r"(?:\(.*\)|with\s+\w+|nointeract|id\s+\w+)*"
SAY = re.compile(rf"^\s*{_WHO}?\s*(?P<text>{STRING})\s*{_CLAUSES}\s*$")
MONOLOGUE = re.compile(rf"^\s*{_WHO}?\s*\"{{3}}(?P<text>.*?)(?P<ended>\"{{3}}|$)")
"""Text of several paragraphs in three quotation marks, each a speech of its own."""
TRANSLATION = re.compile(r"^translate\s+\w+\s+\w+\s*:")
LABEL = re.compile(r"^\s*label\s+(?P<name>[\w.]+)")
MARKUP = re.compile(r"(\{\{)|(\{p(?:=[\d.]+)?\}|\{vspace[^{}]*\})|\{[^{}]*\}")
NARRATORS = words("narrator centered vcentered")
"""Characters of Ren'Py's own who are nobody."""
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
    script = _without_translations(list(open_text(path)))
    names = {**dict.fromkeys(NARRATORS, ""), **_names_of_game(path), **_names(line for _, line in script)}
    spoken = 0
    spoken_line: tuple[str, str, int] | None = None
    for number, line in _without_monologues(script):
        is_label, match = LABEL.match(line), SAY.match(line)
        if match and match["id"] == "extend" and spoken_line:
            spoken_line = (spoken_line[0], spoken_line[1] + _string(match["text"], strip=False), spoken_line[2])
        elif is_label or (match and match["id"] not in KEYWORDS):
            yield from _speech_lines(spoken_line)
            spoken_line = None
        if is_label:
            place: Place = {"script_line": number}
            yield from (Line(f"# {is_label['name']}", place), Line("", place))
        elif match and match["id"] not in (*KEYWORDS, "extend"):
            name = _string(match["name"]) if match["name"] else names.get(match["id"] or "", match["id"] or "")
            spoken_line = (name, _string(match["text"]), number)
            spoken += bool(name)
    yield from _speech_lines(spoken_line)
    if not spoken:
        raise BrokenDocumentError("nobody speaks in this Ren'Py script", "Is the dialogue in another .rpy file?")


def _without_translations(script: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The lines without the blocks that say the same in another language; a file of nothing else keeps them."""
    kept: list[tuple[int, str]] = []
    is_translated = speaks = False
    for number, line in script:
        if line.strip() and not line[0].isspace():
            is_translated = TRANSLATION.match(line) is not None
        if not is_translated:
            kept.append((number, line))
            speech_match = SAY.match(line)
            speaks = speaks or (speech_match is not None and speech_match["id"] not in KEYWORDS)
    return kept if speaks else script


def _names(lines: Iterable[str]) -> dict[str, str]:
    """The characters that a script defines, by how its lines call them; "" for who is nobody."""
    matches = (match for line in lines if "Character(" in line and (match := CHARACTER.match(line)))
    return {match["id"]: _string(match["name"]) if match["name"] else "" for match in matches}


def _names_of_game(path: Path) -> dict[str, str]:
    """The same for all scripts of the game: those in the folder, or in and below one named game or that holds tl."""
    parents = path.absolute().parents
    game = next((folder for folder in parents if folder.name == "game"), None)
    game = game or next((folder.parent for folder in parents if folder.name == "tl"), None)
    scripts = sorted((game.rglob if game else path.parent.glob)("*.rpy"))
    return dict(_names_in(tuple((script, script.stat().st_mtime_ns) for script in scripts)))


@lru_cache(1)
def _names_in(scripts: tuple[tuple[Path, int], ...]) -> tuple[tuple[str, str], ...]:
    """What the scripts define, which are told with the times of their last change."""
    names: dict[str, str] = {}
    for script, _ in scripts:
        names |= _names(script.read_text(encoding="utf-8", errors="replace").splitlines())
    return tuple(names.items())


def _speech_lines(spoken_line: tuple[str, str, int] | None) -> Iterator[Line]:
    """The lines of what somebody or nobody says: the name, the text, the line of the script."""
    if spoken_line is not None:
        name, text, number = spoken_line
        place: Place = {"script_line": number}
        yield from speech(name, text.split("\n"), place) if name else narration(" ".join(text.split()), place)


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


def _string(literal: str, strip: bool = True) -> str:
    """What a string literal says, without markup, a variable as the placeholder {{name}}."""
    text = re.sub(r"\\(.)", lambda escaped: {"n": "\n", "t": " "}.get(escaped[1], escaped[1]), literal[1:-1])
    text = MARKUP.sub(lambda markup: "{" if markup[1] else "\n" if markup[2] else "", text)
    text = VARIABLE.sub(lambda variable: "[" if variable[1] else "{{" + variable["name"] + "}}", text)
    return text.strip() if strip else text
