"""OpenDocument texts (.odt): paragraphs and headings. Source: OpenDocument 1.3, part 3, section 5."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from offbook.data.extract.document import rich_text
from offbook.data.extract.document.line import Line, Place, attribute, local, parse_xml, unpack
from offbook.data.extract.document.rich_text import Paragraph, Run

BODY, STYLES = "content.xml", "styles.xml"
LEFT_OUT = frozenset(("annotation", "note", "tracked-changes", "frame", "ruby-text"))


@dataclass(frozen=True, slots=True)
class _Style:
    """A style: its author's name for it, and the dress of its text where it has one of its own."""

    name: str
    parent: str
    bold: bool | None
    italic: bool | None
    struck: bool = False
    """Whether its text is struck through or hidden."""


class _Styles:
    """The styles of a document by their names."""

    def __init__(self, *roots: Element) -> None:
        nodes = [node for root in roots for node in root.iter() if local(node) == "style"]
        self._styles = {attribute(node, "name"): _style(node) for node in nodes}

    def ancestors(self, name: str) -> Iterator[_Style]:
        """A style and those that it is based on."""
        seen: set[str] = set()
        while name in self._styles and name not in seen:
            seen.add(name)
            yield self._styles[name]
            name = self._styles[name].parent

    def name(self, name: str) -> str:
        """Its author's name for a style, or the one it is based on that tells a part of a script."""
        names = [style.name for style in self.ancestors(name) if style.name]
        return next(filter(rich_text.kind_of_style, names), names[0] if names else name)

    def is_struck(self, name: str) -> bool:
        """Whether text of that style is struck through or hidden."""
        return any(style.struck for style in self.ancestors(name))

    def dressed(self, name: str, bold: bool, italic: bool) -> tuple[bool, bool]:
        """Whether text of that style is bold and italic, within text that is or is not."""
        lineage = list(self.ancestors(name))
        return (
            next((style.bold for style in lineage if style.bold is not None), bold),
            next((style.italic for style in lineage if style.italic is not None), italic),
        )


def read(path: Path) -> Iterator[Line]:
    """The lines of a document, paragraph by paragraph."""
    with zipfile.ZipFile(path) as archive:
        root = parse_xml(unpack(archive, BODY), BODY)
        named = [parse_xml(unpack(archive, STYLES), STYLES)] if STYLES in archive.namelist() else []
    yield from rich_text.lines(list(_read(root, _Styles(*named, root))))


def _read(root: Element, styles: _Styles) -> Iterator[Paragraph]:
    chapter, number = "", 0
    for node in _paragraphs(root):
        style = attribute(node, "style-name")
        runs, heading = tuple(_runs(node, styles, *styles.dressed(style, False, False))), local(node) == "h"
        text = "".join(run.text for run in runs)
        number += bool(text.strip())
        chapter = text if heading and text else chapter
        place: Place = {"paragraph": number, **({"chapter": chapter} if chapter else {})}
        yield Paragraph(runs, place, styles.name(style), heading)


def _style(node: Element) -> _Style:
    text = next((child for child in node if local(child) == "text-properties"), None)
    struck = text is not None and (
        attribute(text, "text-line-through-style") not in ("", "none") or attribute(text, "display") == "none"
    )
    weight, slant = (attribute(text, "font-weight"), attribute(text, "font-style")) if text is not None else ("", "")
    name = attribute(node, "display-name") or attribute(node, "name")
    return _Style(
        name,
        attribute(node, "parent-style-name"),
        weight == "bold" if weight else None,
        slant == "italic" if slant else None,
        struck,
    )


def _paragraphs(node: Element) -> Iterator[Element]:
    for child in node:
        if local(child) in ("p", "h"):
            yield child
        elif local(child) not in LEFT_OUT:
            yield from _paragraphs(child)


def _runs(node: Element, styles: _Styles, bold: bool, italic: bool) -> Iterator[Run]:
    yield Run(node.text or "", bold, italic)
    for child in node:
        name = local(child)
        if name == "s":
            yield Run(" " * int(attribute(child, "c") or 1), bold, italic)
        elif name == "tab":
            yield Run("\t", bold, italic)
        elif name == "line-break":
            yield Run("\n", bold, italic)
        elif name not in LEFT_OUT and not styles.is_struck(attribute(child, "style-name")):
            yield from _runs(child, styles, *styles.dressed(attribute(child, "style-name"), bold, italic))
        yield Run(child.tail or "", bold, italic)
