"""Word documents (.docx): paragraphs, headings by their style.

Source: ECMA-376, part 1, section 17 (WordprocessingML).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from offbook.data.extract.document.line import Line, Place, attribute, local, parse_xml, unpack

BODY = "word/document.xml"
HEADING = re.compile(r"^(?:heading|title|überschrift|titre|título|заголовок|标题|標題|\d$)", re.IGNORECASE)
DELETED = frozenset(("del", "moveFrom", "instrText", "footnoteReference", "pict", "drawing", "txbxContent"))


def read(path: Path) -> Iterator[Line]:
    """The lines of a document, paragraph by paragraph; each cell of a table's row stands behind a bar."""
    with zipfile.ZipFile(path) as archive:
        body = parse_xml(unpack(archive, BODY), BODY)
    chapter = ""
    number = 0
    for node in _rows_and_paragraphs(body):
        if local(node) == "tr":
            cells = [" ".join(filter(None, map(_text, _paragraphs(cell)))) for cell in node if local(cell) == "tc"]
            text, heading = "| " + " | ".join(cells) + " |", False
        else:
            text, heading = _text(node), _is_heading(node)
        number += bool(text.strip())
        chapter = text if heading and text else chapter
        place: Place = {"paragraph": number, **({"chapter": chapter} if chapter else {})}
        for line in text.split("\n"):
            yield Line(f"# {line}" if heading and line else line, place)


def _rows_and_paragraphs(node: Element) -> Iterator[Element]:
    for child in node:
        if local(child) in ("p", "tr"):
            yield child
        elif local(child) not in DELETED:
            yield from _rows_and_paragraphs(child)


def _paragraphs(node: Element) -> Iterator[Element]:
    return (child for child in node.iter() if local(child) == "p")


def _text(node: Element) -> str:
    parts: list[str] = []
    for child in node:
        name = local(child)
        if name == "t":
            parts.append(child.text or "")
        elif name == "tab":
            parts.append("\t")
        elif name in ("br", "cr"):
            parts.append("\n")
        elif name == "noBreakHyphen":
            parts.append("-")
        elif name not in DELETED and name != "pPr":
            parts.append(_text(child))
    return "".join(parts)


def _is_heading(paragraph: Element) -> bool:
    styles = (attribute(node, "val") for node in paragraph.iter() if local(node) == "pStyle")
    return any(HEADING.match(style) for style in styles)
