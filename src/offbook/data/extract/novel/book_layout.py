"""How a book is printed: whether its paragraphs are wrapped, its quotation marks, its language."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice

from offbook.data.extract.cue import Lines
from offbook.data.extract.novel.languages import language_of
from offbook.data.extract.novel.paragraphs import BROKEN, INDENTS, is_indented
from offbook.data.extract.novel.quotes import DASH, ELISION, GERMAN, HEADING, OPENS, PAIRS, SWEDISH, BookLayout
from offbook.data.extract.script.headings import heading, is_rule

WITH_DASHES = ("fr", "es", "ru", "it", "pt", "pl", "sv", "vi", "tr", "kk")
SURVEYED = 20_000
"""Lines that show how a book is printed."""
SAMPLED = 3_000
"""Lines that show its language."""
ENDED = re.compile(r"[。！？!?.…”」』\"’—]$")
FEWEST_BROKEN, LEAST_BROKEN = 3, 0.01
"""So many lines that end in a hyphen and go on with a small letter, and such a share, where words are broken in two."""

MOST_SET_APART, MOST_MOVED = 0.2, 0.1
"""Share of a book's lines that are indented where these are letters and verses, and of these how many stand right
beside one that is not: else paragraphs begin with an indent."""


def survey(lines: Lines) -> BookLayout:
    """How the book is printed, from its lines."""
    lengths: Counter[int] = Counter()
    followed: Counter[int] = Counter()
    marks: Counter[str] = Counter()
    ended = dashed = broken = indented = moved = 0
    last = before = ""
    sample: list[str] = []
    for _, raw in islice(lines, SURVEYED):
        text = raw.strip()
        lengths[min(len(text), 400)] += bool(text)
        indented += bool(text) and is_indented(raw)
        moved += bool(text and last) and is_indented(raw) != is_indented(before)
        if text and last and raw[:1] not in INDENTS and not (len(text) < HEADING and (heading(text) or is_rule(text))):
            followed[min(len(last), 400)] += 1
            ended += bool(ENDED.search(last))
            broken += text[0].islower() and BROKEN.search(last) is not None
        last, before = text, raw
        for mark in OPENS:
            if mark in text:
                marks[mark] += len(OPENS[mark].findall(text)) - (len(ELISION.findall(text)) if mark == "'" else 0)
        dashed += bool(DASH.match(text))
        if len(sample) < SAMPLED:
            sample.append(text)
    language = language_of(sample)
    dashes = language in WITH_DASHES and 2 * dashed > max(marks.values(), default=0)
    hyphenated = broken >= max(FEWEST_BROKEN, LEAST_BROKEN * lengths.total())
    wrapped = _is_wrapped(lengths, followed, ended)
    sets_apart = wrapped and indented <= MOST_SET_APART * lengths.total() and moved <= MOST_MOVED * indented
    return BookLayout(wrapped, hyphenated, _marks(marks, language), language, dashes, sets_apart)


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


def _marks(counts: Counter[str], language: str) -> tuple[str, str]:
    """The marks that open most quotations. In German they open downwards („ “, »«)."""
    pairs = PAIRS if language in ("zh", "ja", "ko") else {**PAIRS, **GERMAN, **SWEDISH}
    if counts["„"]:
        pairs = {mark: end for mark, end in pairs.items() if mark not in "“”"}
    open_mark = max(pairs, key=lambda mark: counts[mark])
    return open_mark, pairs[open_mark]
