"""Running prose cut into paragraphs, and paragraphs into what is told and what is said."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from offbook.data.extract.cue import Lines
from offbook.data.extract.script.headings import heading, is_rule

PAIRS = {"“": "”", "「": "」", "『": "』", "«": "»", "‘": "’", '"': '"', "'": "'"}
SURVEYED = 20_000
"""Lines that show how a book is printed."""
ENDED = re.compile(r"[。！？!?.…”」』\"’—]$")
CLOSES_AFTER = re.compile(r"[,.!?…\-—–~，。！？]$")
"""What stands before the end of a speech in single quotes, and hardly ever before an apostrophe."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph, a heading or a rule of the book."""

    text: str
    kind: str
    """"text", "heading" or "rule"."""
    level: int
    lines: tuple[tuple[int, int], ...]
    """(offset in the text, line number) of each line that it was put together from."""

    def line_at(self, offset: int) -> int:
        """The source line of an offset."""
        return self.lines[bisect_right(self.lines, (offset, 1 << 60)) - 1][1]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a paragraph: told, or said between quotation marks."""

    said: bool
    text: str
    start: int
    open: bool = False
    """Said, and not closed at the end of the paragraph: the next one may go on with it."""


@dataclass(frozen=True, slots=True)
class BookLayout:
    """How a book is printed."""

    wrapped: bool
    """Whether its paragraphs are broken into lines."""
    marks: tuple[str, str]
    """Its quotation marks."""
    chinese: bool


def survey(lines: Lines) -> BookLayout:
    """How the book is printed, from its lines."""
    lengths: Counter[int] = Counter()
    followed: Counter[int] = Counter()
    marks: Counter[str] = Counter()
    characters = beyond = ended = 0
    last = ""
    for _, raw in islice(lines, SURVEYED):
        text = raw.strip()
        lengths[min(len(text), 400)] += bool(text)
        if text and last:
            followed[min(len(last), 400)] += 1
            ended += bool(ENDED.search(last))
        last = text
        for mark in PAIRS:
            marks[mark] += text.count(mark)
        characters += len(text)
        beyond += len(text.encode("utf-8", errors="replace")) - len(text)
    # A Chinese character takes two bytes more than a Latin letter.
    return BookLayout(_is_wrapped(lengths, followed, ended), _marks(marks), beyond > characters)


def paragraphs(lines: Lines, wrapped: bool) -> Iterator[Paragraph]:
    """The book's paragraphs, headings and rules."""
    parts: list[tuple[int, str]] = []
    for number, raw in lines:
        text = raw.strip("\ufeff\u200b \t\r\u3000\xa0")
        found = heading(text) if text else None
        begins = not text or found or is_rule(text) or not wrapped or raw[:1] in " \t\u3000"
        if begins and parts:
            yield _joined(parts)
            parts = []
        if found:
            yield Paragraph(found[1], "heading", found[0], ((0, number),))
        elif text and is_rule(text):
            yield Paragraph(text, "rule", 0, ((0, number),))
        elif text:
            parts.append((number, text))
    if parts:
        yield _joined(parts)


def pieces(text: str, marks: tuple[str, str]) -> list[Piece]:
    """The paragraph cut at its outermost quotation marks. A mark inside other marks belongs to what is said."""
    opening = marks[0]
    found: list[Piece] = []
    start = 0
    while (begin := _find_open(text, opening, start)) >= 0:
        end = _find_close(text, marks, begin + 1)
        if begin > start:
            found.append(Piece(False, text[start:begin], start))
        stop = end if end >= 0 else len(text)
        found.append(Piece(True, text[begin + 1 : stop].strip(), begin, end < 0))
        start = stop + 1
    if start < len(text):
        found.append(Piece(False, text[start:], start))
    return found


def _find_open(text: str, opening: str, start: int) -> int:
    if opening not in "'‘":
        return text.find(opening, start)
    found = re.compile(rf"(?<!\w){opening}(?=\S)").search(text, start)
    return found.start() if found else -1


def _find_close(text: str, marks: tuple[str, str], start: int) -> int:
    opening, closing = marks
    depth = 0
    for found in re.compile(f"[{opening}{closing}]").finditer(text, start):
        at = found.start()
        if opening in "'‘":
            if found[0] == closing and CLOSES_AFTER.match(text[at - 1 : at]) and not text[at + 1 : at + 2].isalnum():
                return at
        elif opening == closing or (found[0] == closing and depth == 0):
            return at
        else:
            depth += 1 if found[0] == opening else -1
    return -1


def _is_wrapped(lengths: Counter[int], followed: Counter[int], ended: int) -> bool:
    """Lines that go on are about as long as the page is wide and seldom end a sentence; paragraphs always do."""
    total, inside = sum(lengths.values()), sum(followed.values())
    if not inside or ended > 0.5 * inside:
        return False
    seen, width = 0, 0
    for width in sorted(lengths):
        seen += lengths[width]
        if seen >= 0.95 * total:
            break
    full = sum(count for length, count in followed.items() if length >= 0.7 * width)
    return width <= 120 and full >= 0.7 * inside


def _marks(counts: Counter[str]) -> tuple[str, str]:
    """The marks used most; a curly pair of which one half is missing is no pair."""
    single = {"‘": counts["‘"], "'": 0}
    single["'"] = counts["'"] if not any(counts[mark] for mark in '“「『«"‘') else 0
    double = {mark: counts[mark] for mark in ("“", "「", "『", "«", '"')}
    opening = max({**double, **single}, key=lambda mark: {**double, **single}[mark])
    return opening, PAIRS[opening]


def _joined(parts: list[tuple[int, str]]) -> Paragraph:
    text, lines = "", []
    for number, part in parts:
        gap = " " if text and text[-1].isascii() and part[0].isascii() else ""
        lines.append((len(text + gap), number))
        text += gap + part
    return Paragraph(text, "text", 0, tuple(lines))
