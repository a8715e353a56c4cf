"""Plays, novels and talks in TEI XML: `<sp who="#ann"><speaker>…</speaker><l>…</l></sp>`, `<said who="#ann">`, `<u>`.

Bosak's plays (`<SPEECH><SPEAKER>…</SPEAKER><LINE>…`) are read alike. Source: TEI P5, chapters 7 (Performance Texts),
8 (Transcriptions of Speech), 3.3.3 (Quotation) and 3.5 (Simple Editorial Changes).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from offbook.core.i18n import translate
from offbook.data.extract.document.line import (
    BrokenDocumentError,
    Line,
    Place,
    attribute,
    local,
    parse_xml,
    spaced,
    speaker_line,
)

AROUND = frozenset(("front", "back"))
"""What stands before and behind the text; a prologue or an epilogue that is spoken may stand there."""
LEFT_OUT = frozenset(("teiHeader", "note", "fw", "castList", "figure", "pb", "lb", *AROUND))
STRUCK = frozenset(("del", "surplus", "gap"))
"""What an editor marks as none of the text: struck out by its writer, or written once too often."""
PREFERRED = {"choice": ("corr", "reg", "expan"), "app": ("lem", "rdg")}
"""Elements that hold the same words several times → which of their children is read, if it is there; else the first."""
BREAKS = frozenset(("lb", "pb", "cb"))
HEARD = frozenset(("stage", "vocal", "kinesic", "incident"))
"""What is done while somebody speaks: a direction."""
WITHIN_WORD = "\0"
JOINT = re.compile(rf"-?\s*{WITHIN_WORD}\s*")
"""Where a line or page ends within a word, perhaps with a hyphen."""
LINES = frozenset(("l", "p", "ab"))
SAID = frozenset(("said", "q", "quote"))
"""What somebody says in a novel, where an attribute says who."""
BOSAK = {
    "SPEECH": "sp",
    "SPEAKER": "speaker",
    "LINE": "l",
    "STAGEDIR": "stage",
    "TITLE": "head",
    "PERSONAE": "castList",
}
"""Jon Bosak's names of the same elements."""
NAMED = frozenset(("person", "personGrp", "castItem", "role"))
NAMES = frozenset(("persName", "name", "role"))


def read(path: Path) -> Iterator[Line]:
    """The lines of a text: headings, speeches under their speakers' names, directions in brackets."""
    root = parse_xml(path.read_bytes(), translate("it"))
    if not local(root).startswith(("TEI", "tei", "PLAY")):
        raise BrokenDocumentError("it is XML, and no TEI text", "Save its text as .txt or .docx.")
    yield from _Walk(_people(root)).lines(root)


def _kind(node: Element) -> str:
    return BOSAK.get(local(node), local(node))


def _people(root: Element) -> dict[str, str]:
    """The names of those whom attributes name by their identifiers."""
    names = {}
    for node in root.iter():
        if local(node) in NAMED and (identity := attribute(node, "id")):
            name = next((_text(part) for part in node.iter() if local(part) in NAMES), "")
            names[identity] = name or identity
    return names


class _Walk:
    """Goes through a text and counts its speeches and paragraphs."""

    def __init__(self, people: dict[str, str]) -> None:
        self.people = people
        self.number = 0
        self.chapter = ""

    def place(self) -> Place:
        return {"paragraph": self.number, **({"chapter": self.chapter} if self.chapter else {})}

    def lines(self, node: Element) -> Iterator[Line]:
        name = _kind(node)
        if name in AROUND:
            for child in node:
                yield from self.lines(child) if any(_kind(each) == "sp" for each in child.iter()) else ()
            return
        if name in LEFT_OUT or not name:
            return
        if name == "head":
            self.chapter = _text(node)
            yield from (Line(f"# {self.chapter}", self.place()), Line("", self.place()))
        elif name == "stage":
            yield from (Line(f"[{_text(node)}]", self.place()), Line("", self.place()))
        elif name in ("sp", "u"):
            yield from self._speech(node)
        elif name in LINES and any(_is_attributed(child) for child in node):
            yield from self._paragraph(node)
        elif name in LINES:
            self.number += 1
            yield from (Line(_text(node), self.place()), Line("", self.place()))
        else:
            for child in node:
                yield from self.lines(child)

    def _speech(self, node: Element) -> Iterator[Line]:
        self.number += 1
        speaker = next((_text(child) for child in node.iter() if _kind(child) == "speaker"), "")
        yield Line(speaker_line(speaker.strip(" .:") or self._who(node)), self.place())
        for text in _spoken(node):
            yield Line(text, self.place())
        yield Line("", self.place())

    def _who(self, node: Element) -> str:
        identities = [each.lstrip("#") for each in node.get("who", "").split()]
        return " & ".join(self.people.get(each, each) for each in identities)

    def _paragraph(self, node: Element) -> Iterator[Line]:
        """A paragraph of a novel that marks who says what: speeches, and what is told in brackets."""
        self.number += 1
        texts = [("", node.text or "")]
        for child in node:
            texts.append((self._who(child) if _is_attributed(child) else "", _text(child)))
            texts.append(("", child.tail or ""))
        for name, text in texts:
            if name:
                yield Line(speaker_line(name), self.place())
            if any(char.isalnum() for char in text):
                yield from (Line(spaced(text) if name else f"[{spaced(text)}]", self.place()), Line("", self.place()))


def _is_attributed(node: Element) -> bool:
    return local(node) in SAID and bool(node.get("who"))


def _spoken(node: Element) -> Iterator[str]:
    """The lines of a speech; one in which words stand outside of lines and paragraphs is a single one."""
    if any((child.tail or "").strip() for child in node) or (node.text and node.text.strip()):
        yield _text(node)
        return
    for child in node:
        name = _kind(child)
        if name in HEARD:
            yield f"[{_text(child)}]"
        elif name in LINES:
            yield _text(child)
        elif name not in LEFT_OUT | STRUCK and name != "speaker":
            yield from _spoken(child)


def _text(node: Element) -> str:
    """The text of a node as its editor reads it; directions within it in brackets, notes left out."""
    return spaced(JOINT.sub("", "".join(_pieces(node))))


def _pieces(node: Element) -> Iterator[str]:
    yield node.text or ""
    for child in node:
        name = _kind(child)
        if name in HEARD:
            yield f"[{_text(child)}]"
        elif name in BREAKS and child.get("break") == "no":
            yield WITHIN_WORD
        elif name in ("lb", "l", "p"):
            yield " "
        if name in PREFERRED:
            yield from _pieces(_preferred(child))
        elif name and name not in LEFT_OUT | STRUCK | HEARD and name != "speaker":
            yield from _pieces(child)
        yield child.tail or ""


def _preferred(node: Element) -> Element:
    """Of what holds the same words several times, the reading that its editor prefers; the node, where it is empty."""
    kinds = PREFERRED[_kind(node)]
    named = sorted((child for child in node if _kind(child) in kinds), key=lambda child: kinds.index(_kind(child)))
    return next(iter([*named, *node]), node)
