"""OpenDocument texts (.odt): paragraphs and headings. Source: OpenDocument 1.3, part 3, section 5."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from offbook.data.extract.document.line import Line, Place, attribute, local, parse_xml, unpack

BODY = "content.xml"
LEFT_OUT = frozenset(("annotation", "note", "tracked-changes"))


def read(path: Path) -> Iterator[Line]:
    """The lines of a document, paragraph by paragraph."""
    with zipfile.ZipFile(path) as archive:
        root = parse_xml(unpack(archive, BODY), BODY)
    chapter, number = "", 0
    for node in _paragraphs(root):
        text, heading = _text(node), local(node) == "h"
        number += bool(text.strip())
        chapter = text if heading and text else chapter
        place: Place = {"paragraph": number, **({"chapter": chapter} if chapter else {})}
        for line in text.split("\n"):
            yield Line(f"# {line}" if heading and line else line, place)


def _paragraphs(node: Element) -> Iterator[Element]:
    for child in node:
        if local(child) in ("p", "h"):
            yield child
        elif local(child) not in LEFT_OUT:
            yield from _paragraphs(child)


def _text(node: Element) -> str:
    parts = [node.text or ""]
    for child in node:
        name = local(child)
        if name == "s":
            parts.append(" " * int(attribute(child, "c") or 1))
        elif name == "tab":
            parts.append("\t")
        elif name == "line-break":
            parts.append("\n")
        elif name not in LEFT_OUT:
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts)
