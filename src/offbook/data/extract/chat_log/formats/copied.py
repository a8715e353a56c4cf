"""Messages as they are copied from an app or a web page, and transcripts of talks: name and time above the text.

Ann Hale  9:30 PM          Ann Hale — Today at 9:30 PM          Ann Hale
Is the lamp lit?           Is the lamp lit?                       9:30 PM
                                                                Is the lamp lit?

Ann, [12.05.2021 21:30]    12/05/2021 21:30 Ann                 Ann
Is the lamp lit?           Is the lamp lit?                     Is the lamp lit?
                                                                21:30
Ann: Is the lamp lit?      21:30
21:30                      Ann: Is the lamp lit?
A further message of the same sender may have the time alone above it. Name and time may be marked up in Markdown:
**Ann** 21:30, ### Ann (21:30).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from offbook.core.patterns import lazy_pattern
from offbook.data.extract.chat_log.formats import wechat
from offbook.data.extract.chat_log.lines import (
    NAME_BEGIN,
    NAME_LENGTH,
    Header,
    head,
    size_of,
    with_long_names,
    without_markdown,
)
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.phrases import content_of_any_app
from offbook.data.extract.chat_log.recordings import is_recording, without_what_is_heard
from offbook.data.extract.chat_log.remnants import IS_EDITED, without_remnants
from offbook.data.extract.chat_log.stamps import DATE, HALF, HAS_CLOCK, STAMP, WEEKDAY, StampReader
from offbook.data.extract.cue import Lines

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
BETWEEN = lazy_pattern(r"^\s*(?:[—–,]|APP|BOT)\s*$")
"""What Discord and Google Chat may copy on lines of their own between a name and its time."""
DASHED = lazy_pattern(rf"^\s*[—–]\s+{STAMP}\s*$")
BARE_NAME = lazy_pattern(rf"^\s{{0,4}}+(?P<name>{_NAME})\s*$")
NAMED = lazy_pattern(rf"^\s{{0,4}}+(?P<name>{_NAME})\s?[:：]\s*(?P<text>\S.*)$")
"""A name with its text beside it."""
FORWARDED = lazy_pattern(
    r"^\[(?:Forwarded from|Переслано от|Weitergeleitet von|Transféré de|Reenviado de|转发自|轉傳自) [^\]\n]*\]"
)
UNREAD = lazy_pattern(r"\n[ \t]*(?:New|NEW)[ \t]*$")
"""What Slack and Discord copy where the messages begin that are not read yet: at one place of a copy."""
MEDIA = lazy_pattern(r"\[ [^\[\]\n]{1,40} \]")
"""What it copies in the place of a picture: [ Photo ]"""
AT_FIRST = 10
"""A talk's transcript begins within so many seconds; of a chat at night it may be minutes."""
MOST_PER_TIME = 1.5
"""Of messages that begin with a name there is about one below each time."""
FEWEST, FEWEST_ALONE = 3, 2
"""So many messages tell that a text is such a copy; fewer where the time stands alone below the name."""


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

    @property
    def recurs(self) -> bool:
        """Whether it is a few people who write."""
        return bool(self.names) and len(self.names) <= max(2, self.names.total() / 1.5)

    def unmarked(self, line: str) -> str:
        """A line as its names and times are looked for in it."""
        return without_markdown(line) if self.in_markdown else line

    def owner(self, line: str, after_blank: bool) -> re.Match[str] | None:
        """The name that a line above a time alone is; None where it is the end of the message before.

        Beside other names and times it is one of those names. Where all times stand alone it is a name, too, that
        recurs or has a blank line above it.
        """
        match = BARE_NAME.match(self.unmarked(line))
        count = self.names[match["name"].strip()] if match else 0
        return match if (count if self.header else count != 1 or after_blank) else None


def read(lines: Lines) -> Iterator[Message]:
    """The messages of such a copy."""
    first = [text for _, text in _joined(enumerate(head(lines, 3000)))]
    arrangement = _arrangement(first)
    unmarked = [arrangement.unmarked(line) for line in first]
    if arrangement.place == "beside":
        way = TIME_FIRST if arrangement.header is TIME_FIRST else HEADER
        arrangement = replace(arrangement, header=with_long_names(way, unmarked))
    patterns = [ALONE] if arrangement.place in _READERS else [arrangement.header or HEADER, ALONE]
    stamps = (match for line in unmarked for pattern in patterns if (match := pattern.match(line)))
    clock = StampReader(stamps, size_of(first))
    reader = _READERS.get(arrangement.place, _read_above)
    has_unread = sum(line.strip() in ("New", "NEW") for line in first) == 1
    recorded: bool | None = None
    for name, place, stamp, body in reader(_joined(lines), arrangement):
        sent_at = clock.time(stamp) if stamp is not None else None
        text = "\n".join(clock.without_break(body)).strip()
        text = without_remnants(UNREAD.sub("", text) if has_unread else text)
        if stamp is not None:
            content = content_of_any_app(text) if text and not MEDIA.fullmatch(text) else Content.MEDIA
            content = Content.FORWARDED if FORWARDED.match(text) else content
            message = Message(name, text, place, sent_at, content)
            recorded = clock.counts_minutes or is_recording(stamp, AT_FIRST) if recorded is None else recorded
            yield without_what_is_heard(message) if recorded else message
        elif text:  # what goes before the first message
            yield Message("", text, place, None, Content.NOTE)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a copy: names recur beside the times of messages."""
    if not any(map(HAS_CLOCK.search, sample)):
        return 0.0
    arrangement = _arrangement([text for _, text in _joined(enumerate(sample))])
    count = arrangement.names.total()
    texts = sum(bool(line.strip()) for line in sample)
    fewest = FEWEST if arrangement.place == "beside" else FEWEST_ALONE
    if not arrangement.recurs or count < fewest or count > 0.67 * texts:
        return 0.0
    return min(1.0, 4 * count / texts)


def _joined(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The lines, where a name, a dash and a time that stand below each other are one."""
    held: list[tuple[int, str]] = []  # the last line that may be a name, and what stands between it and a time
    for number, text in lines:
        is_between = any(BETWEEN.match(between) for _, between in held[1:])
        if held and (DASHED.match(text) or (is_between and ALONE.match(text))):
            yield held[0][0], f"{held[0][1].strip()} — {text.strip(' —–')}"
            held = []
        elif held and (not text.strip() or BETWEEN.match(text)):
            held.append((number, text))
        else:
            yield from held
            held = [(number, text)]
    yield from held


Entry = tuple[str, int, re.Match[str] | None, list[str]]
"""Who writes, the line, the time, the lines of the text."""


def _arrangement(sample: Sequence[str]) -> Arrangement:
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
    beside = [
        Arrangement("beside", Counter(match["name"].strip() for line in lines_here if (match := way.match(line))), way)
        for way in (HEADER, TIME_FIRST)
    ]
    beside = [each for each in beside if not all(map(ONLY_WEEKDAY.fullmatch, each.names))]
    pairs = [("", *texts), texts, (*texts[1:], "")]
    above, below, labelled = Counter[str](), Counter[str](), Counter[str]()
    for before, line, after in zip(pairs[0], pairs[1], pairs[2], strict=False):
        if ALONE.match(line):
            above.update([owner["name"].strip()] if (owner := BARE_NAME.match(before)) else [])
            below.update([owner["name"].strip()] if (owner := BARE_NAME.match(after)) else [])
            labelled.update([owner["name"].strip()] if (owner := NAMED.match(after)) else [])
    spoken = Counter(match["name"].strip() for line in texts if (match := NAMED.match(line)))
    if sum(count for count in spoken.values() if count > 1) > MOST_PER_TIME * labelled.total():
        labelled.clear()  # a transcript that tells the time now and then: its lines are a script's
    alone = [Arrangement("above", above), Arrangement("below", below), Arrangement("below", labelled, NAMED)]
    if texts and ALONE.match(texts[-1]):
        alone[1:2] = [_first(texts, way) for way in (BARE_NAME, NAMED)]
    best = max((*beside, *alone), key=lambda each: (each.recurs, each.names.total()))
    return replace(best, in_markdown=in_markdown)


def _first(texts: Sequence[str], way: re.Pattern[str]) -> Arrangement:
    """Times that end what the names begin: those stand at the head of the text and behind the times."""
    begins = [after for before, after in pairwise(["", *texts]) if not before or ALONE.match(before)]
    return Arrangement("first", Counter(match["name"].strip() for line in begins if (match := way.match(line))), way)


def _read_above(lines: Iterable[tuple[int, str]], arrangement: Arrangement) -> Iterator[Entry]:
    way = arrangement.header or HEADER
    name, place, stamp, body = "", 1, None, list[str]()
    before: tuple[int, str] | None = None
    after_blank = blank = True
    has_previews = False
    for number, text in lines:
        unmarked = arrangement.unmarked(text)
        alone = ALONE.match(unmarked)
        beside = None if alone and arrangement.header is None else way.match(unmarked)
        alone = None if beside else alone
        stands_apart = after_blank or bool(before and _is_preview(body[:-1], before[1]))
        owner = arrangement.owner(before[1], stands_apart) if alone and before else None
        if beside or alone:
            body = body[:-1] if owner else body
            has_previews |= bool(owner and stamp is None and _is_preview(body, owner["name"]))
            yield name, place, stamp, body[:-1] if owner and has_previews and _is_preview(body, owner["name"]) else body
            place = before[0] if owner and before else number
            name = (beside["name"] if beside else owner["name"] if owner else name).strip()
            stamp, body = beside or alone, []
        else:
            body.append(text)
        if text.strip():
            before, after_blank = (number, text), blank
        blank = not text.strip()
    yield name, place, stamp, body


def _is_preview(body: Sequence[str], name: str) -> bool:
    """Whether a message's last line is what Teams has above the next: `Is the lamp lit? by Ann Hale`."""
    return bool(body) and body[-1].rstrip().endswith(f" {name.strip()}")


def _read_below(lines: Iterable[tuple[int, str]], arrangement: Arrangement) -> Iterator[Entry]:
    """The time, the name below it, then the text; without a name the last one goes on."""
    way = arrangement.header or BARE_NAME
    name, place, stamp, body = "", 1, None, list[str]()
    for number, text in lines:
        unmarked = arrangement.unmarked(text)
        if alone := ALONE.match(unmarked):
            yield name, place, stamp, body
            place, stamp, body = number, alone, []
        elif (
            stamp
            and not any(map(str.strip, body))
            and (begin := way.match(unmarked))
            and begin["name"].strip() in arrangement.names
        ):
            name = begin["name"].strip()
            body = [begin["text"]] if "text" in begin.groupdict() else []
        else:
            body.append(text)
    yield name, place, stamp, body


def _read_first(lines: Iterable[tuple[int, str]], arrangement: Arrangement) -> Iterator[Entry]:
    """The name, the text, then the time; without a name the last one goes on."""
    way = arrangement.header or BARE_NAME
    name, place, body = "", 1, list[str]()
    for number, text in lines:
        unmarked = arrangement.unmarked(text)
        if alone := ALONE.match(unmarked):
            yield name, place, alone, body
            body = []
        elif not any(body) and (begin := way.match(unmarked)) and begin["name"].strip() in arrangement.names:
            name, place = begin["name"].strip(), number
            body = [begin["text"]] if "text" in begin.groupdict() else []
        else:
            place = place if any(body) else number
            body.append(text)
    yield name, place, None, body


_READERS: dict[str, Callable[[Iterable[tuple[int, str]], Arrangement], Iterator[Entry]]] = {
    "below": _read_below,
    "first": _read_first,
}

FORMAT = ChatFormat("copied", "messages copied from an app; transcripts with name and time", read, looks_like)
