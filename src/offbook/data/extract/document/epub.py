"""EPUB books: the chapters of the spine, in reading order. Source: EPUB 3.3, W3C Recommendation."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from offbook.data.extract.document import html
from offbook.data.extract.document.line import BrokenDocumentError, Line, local, parse_xml, unpack
from offbook.data.extract.gutenberg import within_book

CONTAINER = "META-INF/container.xml"
PAGES = ("application/xhtml+xml", "text/html")


def read(path: Path) -> Iterator[Line]:
    """The lines of a book, chapter by chapter."""
    with zipfile.ZipFile(path) as archive:
        if "META-INF/encryption.xml" in archive.namelist() and b"EncryptedData" in unpack(
            archive, "META-INF/encryption.xml"
        ):
            raise BrokenDocumentError("its text is encrypted (DRM)", "Use a copy without copy protection.")
        parts = [
            block
            for chapter in _chapters(archive)
            for block in html.blocks(unpack(archive, chapter).decode("utf-8", "replace"))
        ]
    inside = within_book([(place, block.text) for place, block in enumerate(parts)])
    yield from html.lines([parts[place] for place, _ in inside])


def _chapters(archive: zipfile.ZipFile) -> list[str]:
    """The names of the pages in the reading order."""
    container = parse_xml(unpack(archive, CONTAINER), CONTAINER)
    package_name = next((node.get("full-path", "") for node in container.iter() if local(node) == "rootfile"), "")
    package = parse_xml(unpack(archive, package_name), package_name)
    folder = posixpath.dirname(package_name)
    pages = {}
    for node in package.iter():
        is_page = local(node) == "item" and node.get("media-type") in PAGES
        if is_page and "nav" not in node.get("properties", "").split():
            pages[node.get("id", "")] = posixpath.normpath(posixpath.join(folder, unquote(node.get("href", ""))))
    spine = [node.get("idref", "") for node in package.iter() if local(node) == "itemref"]
    chapters = [pages[name] for name in spine if name in pages]
    if not chapters:
        raise BrokenDocumentError("its table of contents names no page of text")
    return chapters
