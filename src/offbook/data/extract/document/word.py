"""Word documents (.docx): paragraphs with their styles, headings by theirs.

Source: ECMA-376, part 1, section 17 (WordprocessingML).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from offbook.data.extract.document import rich_text
from offbook.data.extract.document.line import Line, Place, attribute, local, parse_xml, unpack
from offbook.data.extract.document.rich_text import Paragraph, Run

BODY, STYLES = "word/document.xml", "word/styles.xml"
HEADING = re.compile(r"^(?:heading|title|überschrift|titre|título|заголовок|标题|標題|\d$)", re.IGNORECASE)
DELETED = frozenset(("del", "moveFrom", "instrText", "footnoteReference", "pict", "drawing", "txbxContent", "rt"))
STRUCK = ("strike", "dstrike", "vanish")
"""Properties of text that is struck through or hidden: none of the document's."""
OFF = ("0", "false", "off", "none")


@dataclass(frozen=True, slots=True)
class _Style:
    """A named style: what its author calls it, and the dress of its text."""

    name: str = ""
    bold: bool = False
    italic: bool = False


def read(path: Path) -> Iterator[Line]:
    """The lines of a document, paragraph by paragraph; each cell of a table's row stands behind a bar."""
    with zipfile.ZipFile(path) as archive:
        body = parse_xml(unpack(archive, BODY), BODY)
        styles = _styles(parse_xml(unpack(archive, STYLES), STYLES)) if STYLES in archive.namelist() else {}
    yield from rich_text.lines(list(_paragraphs(body, styles)))


def _paragraphs(body: Element, styles: dict[str, _Style]) -> Iterator[Paragraph]:
    chapter, number = "", 0
    cells: list[str] = []
    runs: tuple[Run, ...]
    for node in _rows_and_paragraphs(body):
        if local(node) == "tr":
            cells = _cells(node, cells)
            runs, style, heading = (Run("| " + " | ".join(cells) + " |"),), _Style(), False
        else:
            identity = _value(node, "pStyle")
            style = styles.get(identity, _Style(identity))
            runs, heading = tuple(_runs(node, style)), bool(HEADING.match(identity) or HEADING.match(style.name))
        text = "".join(run.text for run in runs)
        number += bool(text.strip())
        chapter = text if heading and text else chapter
        place: Place = {"paragraph": number, **({"chapter": chapter} if chapter else {})}
        yield Paragraph(runs, place, style.name, heading)


def _styles(root: Element) -> dict[str, _Style]:
    """The paragraphs' styles by their identifiers; in a Chinese Word these are numbers."""
    nodes = (node for node in root if local(node) == "style" and attribute(node, "type") == "paragraph")
    return {
        attribute(node, "styleId"): _Style(_value(node, "name"), _is_on(node, "b"), _is_on(node, "i")) for node in nodes
    }


def _rows_and_paragraphs(node: Element) -> Iterator[Element]:
    for child in node:
        if local(child) in ("p", "tr"):
            yield child
        elif local(child) not in DELETED:
            yield from _rows_and_paragraphs(child)


def _cells(row: Element, above: list[str]) -> list[str]:
    """The texts of a row's cells, each on one line; a cell that is merged with the one above it has its text."""
    cells = []
    for place, cell in enumerate(child for child in row if local(child) == "tc"):
        merged = next((node for node in cell.iter() if local(node) == "vMerge"), None)
        if merged is not None and attribute(merged, "val") != "restart" and place < len(above):
            cells.append(above[place])
        else:
            texts = (_text(node) for node in cell.iter() if local(node) == "p")
            cells.append(" ".join(" ".join(texts).split()))
    return cells


def _runs(paragraph: Element, style: _Style) -> Iterator[Run]:
    for child in paragraph:
        name = local(child)
        if name == "r" and _is_struck(child):
            continue
        if name == "r":
            yield Run(_text(child), _is_on(child, "b", style.bold), _is_on(child, "i", style.italic))
        elif name not in DELETED and name != "pPr":
            yield from _runs(child, style)


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
        elif name not in DELETED and name not in ("pPr", "rPr") and not _is_struck(child):
            parts.append(_text(child))
    return "".join(parts)


def _is_struck(run: Element) -> bool:
    return any(_is_on(run, name) for name in STRUCK)


def _value(node: Element, name: str) -> str:
    return next((attribute(child, "val") for child in node.iter() if local(child) == name), "")


def _is_on(node: Element, name: str, otherwise: bool = False) -> bool:
    """Whether a property is on in a run or a style; `otherwise` where neither says so."""
    properties = (child for child in node if local(child) == "rPr")
    for child in (each for part in properties for each in part):
        if local(child) == name or (name == "b" and local(child) == "smallCaps"):
            return attribute(child, "val") not in OFF
    return otherwise
