"""Web pages and the chapters of EPUB books: blocks of text, headings, rules.

Project Gutenberg's header and licence are left out, whether marked up or set off by their START and END lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from offbook.data.encoding import open_text
from offbook.data.extract.document.line import BrokenDocumentError, Line, Place, spaced
from offbook.data.extract.gutenberg import within_book
from offbook.data.extract.word_lists import words

BLOCKS = words(
    """
    p div li dd dt td th tr blockquote section article pre figcaption header footer body table ul ol dl
    """
)
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
SILENT = frozenset(("script", "style", "head", "nav", "svg", "math", "template", "noscript", "sup"))
PAGE_NUMBER = re.compile(r"\bpage-?(?:num|no|number)|\bpagenum\b|\bpg-(?:header|footer)\b|pg-boilerplate")
VOID = frozenset(("br", "hr", "img", "input", "meta", "link", "area", "base", "col", "embed", "source", "wbr"))


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A paragraph, a heading or a rule of a page."""

    text: str
    kind: str
    """"text", "heading" or "rule"."""


class _Blocks(HTMLParser):
    """Gathers the blocks of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[TextBlock] = []
        self._parts: list[str] = []
        self._heading = False
        self._hidden: list[str] = []
        """Open elements whose text is not part of the book, the outermost first."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._hidden:
            if tag not in VOID:
                self._hidden.append(tag)
            return
        marks = " ".join(value or "" for name, value in attrs if name in ("class", "id"))
        if (tag in SILENT or PAGE_NUMBER.search(marks)) and tag not in VOID:
            self._hidden.append(tag)
        elif tag == "br":
            self._parts.append("\n")
        elif tag == "hr":
            self.end_block()
            self.blocks.append(TextBlock("* * *", "rule"))
        elif tag in BLOCKS or tag in HEADINGS:
            self.end_block()
            self._heading = tag in HEADINGS

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag in self._hidden:
                del self._hidden[len(self._hidden) - 1 - self._hidden[::-1].index(tag) :]
            return
        if tag in BLOCKS or tag in HEADINGS:
            self.end_block()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._parts.append(re.sub(r"\s+", " ", data))

    def end_block(self) -> None:
        """Close the block that is being gathered."""
        text = "".join(self._parts)
        lines = [spaced(line) for line in text.split("\n")]
        text = " ".join(filter(None, lines)) if self._heading else "\n".join(line for line in lines if line)
        if text:
            self.blocks.append(TextBlock(text, "heading" if self._heading else "text"))
        self._parts, self._heading = [], False


def blocks(page: str) -> list[TextBlock]:
    """The blocks of a page's text.

    Behind the last `>` no tag can end, so that a `<` there is text. Python's parser would look for an end from each.
    """
    parser = _Blocks()
    marked_up, end, rest = page.rpartition(">")
    parser.feed(marked_up + end)
    parser.feed(rest.replace("<", "&lt;"))
    parser.close()
    parser.end_block()
    return parser.blocks


def lines(parts: list[TextBlock], chapter: str = "") -> Iterator[Line]:
    """The lines of some blocks, a blank one between, each with its chapter and paragraph."""
    paragraph = 0
    for block in parts:
        if block.kind == "heading":
            chapter, paragraph = block.text, 0
        paragraph += block.kind == "text"
        place: Place = {**({"chapter": chapter} if chapter else {}), **({"paragraph": paragraph} if paragraph else {})}
        text = f"# {block.text}" if block.kind == "heading" else block.text
        for line in text.split("\n"):
            yield Line(line, place)
        yield Line("", place)


def read(path: Path) -> Iterator[Line]:
    """The lines of a web page."""
    page = "\n".join(text for _, text in open_text(path))
    if "<" not in page:
        raise BrokenDocumentError("it holds no HTML", "Save it as plain text, with the suffix .txt.")
    parts = blocks(page)
    inside = within_book([(place, block.text) for place, block in enumerate(parts)])
    yield from lines([parts[place] for place, _ in inside])
