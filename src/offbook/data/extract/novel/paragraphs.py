"""Running prose cut into paragraphs, headings and rules."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from offbook.data.extract.cue import Lines
from offbook.data.extract.novel.mixed_marks import ALWAYS_OPEN
from offbook.data.extract.novel.quotes import DASH, SINGLE, BookLayout, closes_first, cut_at_marks
from offbook.data.extract.script.headings import heading, is_rule
from offbook.data.extract.script.names import HAS_CJK

INDENTS = " \t\u3000"
"""How a line begins that begins a paragraph."""
ITALICS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
STARRED = re.compile(r"(?<![\w*])(\*{1,3})(?=[^\s*])([^*]+)(?<=\S)\1(?![\w*])")
"""*Marcus?*: a word in italics or bold as it is typed."""
BROKEN = re.compile(r"(?<=[^\W\d_])[-\u00ad\u2010]$")
"""The end of a line at which a word may be broken: noth-"""
DROP_CAP = re.compile(r"^\|(?=[A-Z])")
"""What some sites print before a large initial letter: |WELL, is it lit?"""
MOST_OPEN = 8
"""Paragraphs, at most, over which a quotation goes on without a mark."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph, a heading or a rule of the book."""

    text: str
    kind: str
    """"text", "heading" or "rule"."""
    level: int
    lines: tuple[tuple[int, int], ...]
    """(offset in the text, line number) of each line that it was put together from."""
    set_apart: bool = False
    """Whether it is indented in a book whose paragraphs are not: a letter, verses."""

    def line_at(self, offset: int) -> int:
        """The source line of an offset."""
        return self.lines[bisect_right(self.lines, (offset, 1 << 60)) - 1][1]


def is_indented(line: str) -> bool:
    """Whether a line begins further in than a slip of the keyboard does."""
    return line[:2].isspace() and len(line) > 2


def paragraphs(lines: Lines, layout: BookLayout) -> Iterator[Paragraph]:
    """The book's paragraphs, headings and rules."""
    parts: list[tuple[int, str]] = []
    inside = False
    """Whether the lines of `parts` are set apart."""
    for number, raw in lines:
        text = raw.strip("\ufeff\u200b \t\r\u3000\xa0")
        title = heading(text) if text else None
        rule = is_rule(text)
        moves = layout.sets_apart and is_indented(raw) != inside
        begins = raw[:1] in INDENTS and not layout.sets_apart and not text[:1].islower()
        if parts and (not text or title or rule or not layout.wrapped or moves or begins):
            yield from _joined(parts, layout.hyphenated, inside)
            parts = []
        inside = layout.sets_apart and is_indented(raw)
        if title:
            yield Paragraph(title[1], "heading", title[0], ((0, number),))
        elif rule:
            yield Paragraph(text, "rule", 0, ((0, number),))
        elif text:
            parts.append((number, text))
    if parts:
        yield from _joined(parts, layout.hyphenated, inside)


def with_leads(parts: Iterable[Paragraph], marks: tuple[str, str]) -> Iterator[Paragraph]:
    """The paragraphs; one that ends in a colon and the quotation that it brings in are put together."""
    held: Paragraph | None = None
    open_marks = marks[:1] if marks[0] in SINGLE else (marks[0], *ALWAYS_OPEN)
    for part in parts:
        if held and part.kind == "text" and part.text.startswith(open_marks):
            seam = "" if held.text.endswith("：") else " "
            shift = len(held.text + seam)
            lines = (*held.lines, *((offset + shift, line) for offset, line in part.lines))
            part = Paragraph(held.text + seam + part.text, "text", 0, lines)
        elif held:
            yield held
        leads = part.text.endswith(("：", ":")) or (part.text.endswith(",") and part.text[-2:-1].isalpha())
        held = part if part.kind == "text" and leads and not part.set_apart else None
        if not held:
            yield part
    if held:
        yield held


def whole_quotations(parts: Iterable[Paragraph], marks: tuple[str, str]) -> Iterator[Paragraph]:
    """The paragraphs; those in which a quotation goes on that was left open begin with its mark, as in other books.

    A speech that is broken by verses, or by the edge of a page, is closed paragraphs later. What a large initial letter
    begins has often lost its mark: `WELL, is it lit?” said Mara.`
    """
    held: deque[Paragraph] = deque()
    for part in parts:
        if _may_go_on(part) and closes_first(part.text, marks):
            unmarked = 0
            for before in reversed(held):
                if not _may_go_on(before) or any(mark in before.text for mark in marks):
                    break
                unmarked += 1
            begin = len(held) - unmarked
            if begin and held[begin - 1].kind == "text" and cut_at_marks(held[begin - 1].text, marks)[-1].open:
                for place in range(begin, len(held)):
                    held[place] = _marked(held[place], marks[0])
                part = _marked(part, marks[0])
            elif not unmarked and begin and held[-1].kind == "heading":
                part = _marked(part, marks[0])
        held.append(part)
        if len(held) > MOST_OPEN:
            yield held.popleft()
    yield from held


def _may_go_on(paragraph: Paragraph) -> bool:
    """Whether a paragraph can go on with the one before: a dash at its head begins somebody else's words."""
    return paragraph.kind == "text" and not DASH.match(paragraph.text)


def _marked(paragraph: Paragraph, mark: str) -> Paragraph:
    lines = ((0, paragraph.lines[0][1]), *((offset + 1, line) for offset, line in paragraph.lines[1:]))
    return replace(paragraph, text=mark + paragraph.text, lines=lines, set_apart=False)


def _joined(parts: list[tuple[int, str]], hyphenated: bool, set_apart: bool) -> Iterator[Paragraph]:
    """One paragraph of these lines; none where nothing but signs of italics stood in them.

    A line that ends in a hyphen is joined to the rest of its word: noth-ing is nothing in a book that breaks words,
    and well-known stays itself in another.
    """
    text, lines = "", []
    for number, raw in parts:
        part = ITALICS.sub("", raw) if "_" in raw else raw
        part = (
            part[1:] if not text and part[0:1] == "|" and part[1:2].isupper() else part
        )  # |WELL, as some sites print it
        part = part.replace("∶", "：").replace("︰", "：")
        part = STARRED.sub(r"\2", part) if "*" in part else part
        if not part:
            continue
        gap = "" if not text or (HAS_CJK.match(text[-1]) and HAS_CJK.match(part[0])) else " "
        if BROKEN.search(text[-2:]) and part[0].islower():
            text, gap = text[:-1] if hyphenated else text, ""
        lines.append((len(text + gap), number))
        text += gap + part
    if text:
        yield Paragraph(text, "text", 0, tuple(lines), set_apart)
