"""Where messages that are copied from an app have their names and times: on one line, or one above the other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from offbook.core.patterns import lazy_pattern
from offbook.data.extract.chat_log.formats import wechat
from offbook.data.extract.chat_log.lines import (
    LONG_NAME_LENGTH,
    NAME_BEGIN,
    NAME_LENGTH,
    Header,
    with_long_names,
    without_markdown,
)
from offbook.data.extract.chat_log.remnants import IS_EDITED
from offbook.data.extract.chat_log.stamps import DATE, HALF, HAS_CLOCK, STAMP, WEEKDAY

_NAME = (
    rf"(?!{HALF}|{DATE}|(?:Start|Stop) logging){NAME_BEGIN}"
    rf"(?:[^\n:：,.!?;\"“”…\[\](（|]|\.(?=\s?\w)){NAME_LENGTH}(?<![\s\-–—|·•])"
    rf"(?:\s?(?!{IS_EDITED})[(（][^()（）\d:：]{{1,24}}[)）])?"
)
"""A name, perhaps with what its owner or the app sets behind it in brackets: Ann (she/her), Ann (Guest)."""
_ACCOUNT = r"(?:\s?[(（][A-Za-z]?\d{5,12}[)）])?"
HEADER = lazy_pattern(
    rf"^[\s\ufeff]{{0,4}}+(?P<name>{_NAME}){_ACCOUNT}(?:\s(?:says|at|um|à|в))?"
    rf"(?:,?\s{{1,4}}|\s*[-—–|·•]\s*|\s*\t\s*|\s?[:：]\s*(?={DATE})|(?=[(\[（<]))"
    rf"[(\[（<]?(?:(?<=[,—–|·•-] ){WEEKDAY})?{STAMP}[)\]）>]?(?:\s*{IS_EDITED})?:?\s*$"
)
TIME_FIRST = lazy_pattern(
    rf"^[\s\ufeff]{{0,4}}+[(\[（]?{STAMP}[)\]）]?(?:,?\s{{1,4}}|\s*[-—–|·•]\s*)(?P<name>{_NAME}):?\s*$"
)
ALONE = lazy_pattern(
    rf"^\s{{0,4}}+(?::[\w+\-]{{2,40}}:\s{{0,3}})?[(\[（]?{WEEKDAY}{STAMP}[)\]）]?(?:\s*{IS_EDITED})?\s*[✓✔]{{0,2}}\s*$"
)
ONLY_WEEKDAY = lazy_pattern(WEEKDAY.replace(r"(?=\D{0,4}\d)", ""))
BARE_NAME = lazy_pattern(rf"^\s{{0,4}}+(?P<name>{_NAME})\s*$")
LONG_NAME = lazy_pattern(rf"^\s{{0,4}}+(?P<name>{_NAME.replace(NAME_LENGTH, LONG_NAME_LENGTH)})\s*$")
"""The same, however long: what is longer than most is a name where it comes back."""
NAMED = lazy_pattern(rf"^\s{{0,4}}+(?P<name>{_NAME})\s?[:：]\s*(?P<text>\S.*)$")
"""A name with its text beside it."""
MOSTLY = 0.75
"""Where no name comes back, so many of the times have one; else it is no name but a text that is taken for it."""
MOST_PER_TIME = 1.5
"""Of messages that begin with a name there is about one below each time."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Where a copy has names and times.

    `header` matches name and time on one line; None where the time stands alone, and then the name stands right
    above it ("above"), right below it ("below") or begins what ends with it ("first").
    """

    place: str
    names: Counter[str]
    header: Header | None = None
    in_markdown: bool = False
    indents: bool = False
    """Whether the times below names that come back are indented: then one that comes once stands above such a time."""
    halves: bool = False
    """The same where they tell the half of the day, and others, of further messages, do not."""

    @property
    def recurs(self) -> bool:
        """Whether it is a few people who write."""
        return bool(self.names) and len(self.names) <= max(2, self.names.total() / 1.5)

    def follows_name(self, line: str, time: re.Match[str]) -> bool:
        """Whether a time alone looks like those that stand below names, and not like those of further messages."""
        return (self.indents and line[:1].isspace()) or (self.halves and _tells_half(time))

    def unmarked(self, line: str) -> str:
        """A line as its names and times are looked for in it."""
        return without_markdown(line) if self.in_markdown else line

    @property
    def is_guess(self) -> bool:
        """Whether nobody's name comes back."""
        return len(self.names) == self.names.total()

    def owner(self, line: str, after_blank: bool) -> re.Match[str] | None:
        """The name that a line above a time alone is; None where it is the end of the message before.

        Beside other names and times it is one of those names. Where all times stand alone it is a name, too, that
        recurs or has a blank line above it.
        """
        match = LONG_NAME.match(self.unmarked(line))
        if match and not BARE_NAME.match(match[0]) and match["name"] not in self.names:
            return None
        count = self.names[match["name"].strip()] if match else 0
        is_name = count if self.header else count != 1 or after_blank or self.is_guess
        return match if is_name else None


def find_arrangement(sample: Sequence[str]) -> Arrangement:
    """The arrangement in which most names recur, in the lines as they are or without Markdown's marks.

    A name may wear such marks of its own (`_mara_`); Markdown's are about all of them.
    """
    as_written = _best_arrangement(sample, in_markdown=False)
    if all(without_markdown(name) != name for name in as_written.names):
        unmarked = _best_arrangement(sample, in_markdown=True)
        return unmarked if unmarked.recurs else as_written
    return as_written


def _best_arrangement(sample: Sequence[str], in_markdown: bool) -> Arrangement:
    raw = [line for line in sample if line.strip()]
    texts = [without_markdown(line) for line in raw] if in_markdown else raw
    lines_here = [text for line, text in zip(raw, texts, strict=True) if not wechat.is_header(line)]
    timed = [line for line in lines_here if HAS_CLOCK.search(line)]
    beside = [
        Arrangement("beside", _names(lines_here, with_long_names(way, timed)), way) for way in (HEADER, TIME_FIRST)
    ]
    beside = [each for each in beside if not all(map(ONLY_WEEKDAY.fullmatch, each.names))]
    pairs = [("", *texts), texts, (*texts[1:], "")]
    above, below, labelled, times = Counter[str](), Counter[str](), Counter[str](), 0
    for before, line, after in zip(pairs[0], pairs[1], pairs[2], strict=False):
        if ALONE.match(line):
            times += 1
            above.update([owner["name"].strip()] if (owner := LONG_NAME.match(before)) else [])
            below.update([owner["name"].strip()] if (owner := LONG_NAME.match(after)) else [])
            labelled.update([owner["name"].strip()] if (owner := NAMED.match(after)) else [])
    spoken = Counter(match["name"].strip() for line in texts if (match := NAMED.match(line)))
    if sum(count for count in spoken.values() if count > 1) > MOST_PER_TIME * labelled.total():
        labelled.clear()  # a transcript that tells the time now and then: its lines are a script's
    indents, halves = _marks(texts, above)
    upon = Arrangement("above", above, indents=indents, halves=halves)
    alone = [upon, Arrangement("below", below), Arrangement("below", labelled, NAMED)]
    if texts and ALONE.match(texts[-1]):
        alone[1:2] = [_first(texts, way) for way in (LONG_NAME, NAMED)]
    alone = [replace(each, names=_without_sentences(each.names)) for each in alone]
    alone = [each for each in alone if not each.is_guess or each.names.total() >= MOSTLY * times]
    ways = (*beside, *alone, Arrangement("above", Counter()))
    best = max(ways, key=lambda each: (each.recurs, each.names.total()))
    return replace(best, in_markdown=in_markdown)


def _names(lines: Iterable[str], way: Header) -> Counter[str]:
    return Counter(match["name"].strip() for line in lines if (match := way.match(line)))


def _marks(texts: Sequence[str], names: Counter[str]) -> tuple[bool, bool]:
    """Whether times below names that come back are indented, and whether they alone tell the half of the day."""
    times = [(above.strip(), line, time) for above, line in pairwise(["", *texts]) if (time := ALONE.match(line))]
    below = [(line, time) for above, line, time in times if names[above] > 1]
    if not below:
        return False, False
    indents = not texts[0][:1].isspace() and all(line[:1].isspace() for line, _ in below)
    halves = all(_tells_half(time) for _, time in below) and not all(_tells_half(time) for *_, time in times)
    return indents, halves


def _tells_half(time: re.Match[str]) -> bool:
    return bool(time["before"] or time["after"])


def _without_sentences(names: Counter[str]) -> Counter[str]:
    """The names without what is longer than most and does not come back."""
    return Counter({name: count for name, count in names.items() if count > 1 or BARE_NAME.match(name)})


def _first(texts: Sequence[str], way: re.Pattern[str]) -> Arrangement:
    """Times that end what the names begin: those stand at the head of the text and behind the times."""
    begins = [after for before, after in pairwise(["", *texts]) if not before or ALONE.match(before)]
    return Arrangement("first", _names(begins, way), way)
