"""Web pages and the chapters of EPUB books: blocks of text, headings, rules.

Project Gutenberg's header and licence are left out, whether marked up or set off by their START and END lines.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from offbook.data.encoding import open_text
from offbook.data.extract.document import rich_text
from offbook.data.extract.document.line import BrokenDocumentError, Line, Place, spaced
from offbook.data.extract.document.rich_text import Paragraph, Run
from offbook.data.extract.gutenberg import within_book
from offbook.data.extract.word_lists import words

BLOCKS = words(
    """
    p div li dd dt td th tr blockquote section article pre figcaption header footer body table ul ol dl
    """
)
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
SILENT = frozenset(
    ("script", "style", "head", "nav", "svg", "math", "template", "noscript", "sup", "del", "s", "strike", "rt", "rp")
)
"""Elements whose text is none of the book's: also what is struck out, and how characters are read (ruby)."""
NOT_SHOWN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|text-decoration(?:-line)?\s*:\s*line-through", re.I)
PAGE_NUMBER = re.compile(r"\bpage-?(?:num|no|number)|\bpagenum\b|\bpg-(?:header|footer)\b|pg-boilerplate")
NOTES = words(
    """
    noteref footnote footnotes endnote endnotes rearnote rearnotes backlink fnanchor footnote-ref footnoteref
    doc-noteref doc-footnote doc-endnote doc-endnotes doc-backlink doc-pagebreak mw-editsection
    navigation navbox toc infobox portable-infobox catlinks printfooter references reflist mw-references-wrap
    """
)
"""What notes, their marks and a wiki's navigation are called by `class`, `epub:type` and `role`."""
OF_THE_WRITER = "userstuff"
"""The class of a block in which AO3 sets summaries and the writer's notes; a chapter's is a div's."""
CHOSEN = re.compile(r"Icon Dialogue\b")
"""How the icon is named before what the player of a game may choose to say, on its wiki."""
BOLD, ITALIC = frozenset(("b", "strong")), frozenset(("i", "em"))
SMALL_CAPITALS = words("smcap smallcaps small-caps sc smallcap smcaps")
"""Classes of small capitals, in which printed plays set names."""
BOLD_ONES, ITALIC_ONES = "bold elements", "italic elements"
NAMING = ("class", "epub:type", "role")
VOID = frozenset(("br", "hr", "img", "input", "meta", "link", "area", "base", "col", "embed", "source", "wbr"))


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A paragraph, a heading or a rule of a page."""

    text: str
    kind: str
    """"text", "heading" or "rule"."""
    runs: tuple[Run, ...] = ()
    style: str = ""
    """What its element is called, where that tells a part of a script (`rich_text.STYLES`)."""


class _Blocks(HTMLParser):
    """Gathers the blocks of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[TextBlock] = []
        self._runs: list[Run] = []
        self._heading, self._style = False, ""
        self._hidden: list[str] = []
        """Open elements whose text is not part of the book, the outermost first."""
        self._dress: list[tuple[str, bool, bool, str]] = []
        """Open elements within the block: the tag, whether bold, whether italic, what closes it."""
        self._open: Counter[str] = Counter()
        """How many of them are open, by tag, and in all how many are bold and italic."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._hidden:
            if tag not in VOID:
                self._hidden.append(tag)
            return
        marks = " ".join(value or "" for name, value in attrs if name in ("class", "id"))
        called = [word for name, value in attrs if name in NAMING for word in (value or "").split()]
        is_note = not NOTES.isdisjoint(map(str.casefold, called))
        is_note = is_note or (tag == "blockquote" and any(word.startswith(OF_THE_WRITER) for word in called))
        is_hidden = any(
            name == "hidden" or (name == "style" and NOT_SHOWN.search(value or "")) for name, value in attrs
        )
        if (tag in SILENT or is_note or is_hidden or PAGE_NUMBER.search(marks)) and tag not in VOID:
            self._hidden.append(tag)
        elif tag == "br":
            self._say("\n")
        elif tag == "img" and CHOSEN.match(dict(attrs).get("alt") or "") and not self._runs:
            self._runs.append(Run("Player: ", bold=True))
        elif tag == "hr":
            self.end_block()
            self.blocks.append(TextBlock("* * *", "rule"))
        elif tag in BLOCKS or tag in HEADINGS:
            self.end_block()
            self._heading = tag in HEADINGS
            self._style = next(filter(rich_text.kind_of_style, called), "")
        elif tag not in VOID:
            self._dress_up(tag, called, "small-caps" in (dict(attrs).get("style") or ""))

    def _dress_up(self, tag: str, called: list[str], small_capitals: bool) -> None:
        """Open an element within a block: of a dress of its own, or a direction, which gets brackets."""
        is_direction = any(map(rich_text.is_direction_style, called))
        is_name = any(rich_text.kind_of_style(word) == "speaker" for word in called)
        bold = tag in BOLD or is_name or small_capitals or not SMALL_CAPITALS.isdisjoint(map(str.casefold, called))
        if is_direction:
            self._say("[")
        self._dress.append((tag, bold, tag in ITALIC, "]" if is_direction else ""))
        self._open.update({tag: 1, BOLD_ONES: bold, ITALIC_ONES: tag in ITALIC})

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag in self._hidden:
                del self._hidden[len(self._hidden) - 1 - self._hidden[::-1].index(tag) :]
            return
        if tag in BLOCKS or tag in HEADINGS:
            self.end_block()
        elif self._open[tag]:
            while self._dress:
                opened, bold, italic, close_mark = self._dress.pop()
                self._say(close_mark)
                self._open.subtract({opened: 1, BOLD_ONES: bold, ITALIC_ONES: italic})
                if opened == tag:
                    return

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._say(re.sub(r"\s+", " ", data))

    def _say(self, text: str) -> None:
        if text:
            self._runs.append(Run(text, self._open[BOLD_ONES] > 0, self._open[ITALIC_ONES] > 0))

    def end_block(self) -> None:
        """Close the block that is being gathered."""
        for *_, close_mark in reversed(self._dress):
            self._say(close_mark)
        lines = [spaced(line) for line in "".join(run.text for run in self._runs).split("\n")]
        text = " ".join(filter(None, lines)) if self._heading else "\n".join(line for line in lines if line)
        if text:
            runs = (Run(text),) if self._heading else tuple(self._runs)
            self.blocks.append(TextBlock(text, "heading" if self._heading else "text", runs, self._style))
        self._runs, self._dress, self._heading, self._style = [], [], False, ""
        self._open.clear()


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


def lines(parts: list[TextBlock]) -> Iterator[Line]:
    """The lines of some blocks, a blank one between, each with its chapter and paragraph."""
    yield from rich_text.lines(list(_paragraphs(parts)), parted=True)


def _paragraphs(parts: list[TextBlock]) -> Iterator[Paragraph]:
    chapter, paragraph = "", 0
    for block in parts:
        if block.kind == "heading":
            chapter, paragraph = block.text, 0
        paragraph += block.kind == "text"
        place: Place = {**({"chapter": chapter} if chapter else {}), **({"paragraph": paragraph} if paragraph else {})}
        yield Paragraph(block.runs or (Run(block.text),), place, block.style, block.kind == "heading")


def read(path: Path) -> Iterator[Line]:
    """The lines of a web page."""
    page = "\n".join(text for _, text in open_text(path))
    if "<" not in page:
        raise BrokenDocumentError("it holds no HTML", "Save it as plain text, with the suffix .txt.")
    parts = blocks(page)
    inside = within_book([(place, block.text) for place, block in enumerate(parts)])
    yield from lines([parts[place] for place, _ in inside])
