"""Plays and novels in TEI XML: `<sp><speaker>…</speaker><l>…</l></sp>`.

Source: TEI P5, chapter 7, Performance Texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from offbook.data.extract.document.line import BrokenDocumentError, Line, Place, local, parse_xml, spaced

LEFT_OUT = frozenset(("teiHeader", "front", "back", "note", "fw", "castList", "figure", "pb", "lb"))
LINES = frozenset(("l", "p", "ab"))


def read(path: Path) -> Iterator[Line]:
    """The lines of a text: headings, speeches under their speakers' names, directions in brackets."""
    root = parse_xml(path.read_bytes(), "it")
    if not local(root).startswith(("TEI", "tei")):
        raise BrokenDocumentError("it is XML, and no TEI text", "Save its text as .txt or .docx.")
    yield from _Walk().lines(root)


class _Walk:
    """Goes through a text and counts its speeches and paragraphs."""

    def __init__(self) -> None:
        self.number = 0
        self.chapter = ""

    def place(self) -> Place:
        return {"paragraph": self.number, **({"chapter": self.chapter} if self.chapter else {})}

    def lines(self, node: Element) -> Iterator[Line]:
        name = local(node)
        if name in LEFT_OUT or not name:
            return
        if name == "head":
            self.chapter = _text(node)
            yield from (Line(f"# {self.chapter}", self.place()), Line("", self.place()))
        elif name == "stage":
            yield from (Line(f"[{_text(node)}]", self.place()), Line("", self.place()))
        elif name == "sp":
            yield from self._speech(node)
        elif name in LINES:
            self.number += 1
            yield from (Line(_text(node), self.place()), Line("", self.place()))
        else:
            for child in node:
                yield from self.lines(child)

    def _speech(self, node: Element) -> Iterator[Line]:
        self.number += 1
        speaker = next((_text(child) for child in node.iter() if local(child) == "speaker"), "")
        name = (speaker or node.get("who", "").lstrip("#")).strip(" .:")
        yield Line(f"**{name}**", self.place())
        for text in _spoken(node):
            yield Line(text, self.place())
        yield Line("", self.place())


def _spoken(node: Element) -> Iterator[str]:
    for child in node:
        name = local(child)
        if name == "stage":
            yield f"[{_text(child)}]"
        elif name in LINES:
            yield _text(child)
        elif name not in LEFT_OUT and name != "speaker":
            yield from _spoken(child)


def _text(node: Element) -> str:
    """The text of a node; directions within it in brackets, notes left out."""
    return spaced("".join(_pieces(node)))


def _pieces(node: Element) -> Iterator[str]:
    yield node.text or ""
    for child in node:
        name = local(child)
        if name == "stage":
            yield f"[{_text(child)}]"
        elif name == "lb":
            yield " "
        elif name and name not in LEFT_OUT:
            yield from _pieces(child)
        yield child.tail or ""
