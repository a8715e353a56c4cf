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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from offbook.core.patterns import lazy_pattern
from offbook.data.extract.chat_log.copied_arrangement import (
    ALONE,
    HEADER,
    LONG_NAME,
    TIME_FIRST,
    Arrangement,
    find_arrangement,
)
from offbook.data.extract.chat_log.formats import wechat
from offbook.data.extract.chat_log.lines import head, size_of, with_long_names
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.phrases import content_of_any_app
from offbook.data.extract.chat_log.quotations import Previews, without_references
from offbook.data.extract.chat_log.recordings import is_recording, without_what_is_heard
from offbook.data.extract.chat_log.remnants import without_remnants
from offbook.data.extract.chat_log.stamps import DATE, HAS_CLOCK, STAMP, StampReader
from offbook.data.extract.cue import Lines

BETWEEN = lazy_pattern(r"^\s*(?:[—–,]|APP|BOT)\s*$")
"""What Discord and Google Chat may copy on lines of their own between a name and its time."""
DASHED = lazy_pattern(rf"^\s*[—–]\s+{STAMP}\s*$")
FORWARDED = lazy_pattern(
    r"^\[(?:Forwarded from|Переслано от|Weitergeleitet von|Transféré de|Reenviado de|转发自|轉傳自) [^\]\n]*\]"
)
UNREAD = lazy_pattern(r"\n[ \t]*(?:New|NEW)[ \t]*$")
"""What Slack and Discord copy where the messages begin that are not read yet: at one place of a copy."""
SURE = lazy_pattern(rf"\S — (?:{STAMP}|(?:Today|Yesterday) at .*)\s*$|\S, \[{DATE}.*\]:?\s*$")
SPACED = lazy_pattern(rf"\S {{2,4}}{STAMP}\s*$")
"""Discord's Ann — Today at 9:30 PM and Telegram's Ann, [12.05.2021 21:30]; Slack's Ann  9:30 PM"""
MEDIA = lazy_pattern(r"\[ [^\[\]\n]{1,40} \]")
"""What it copies in the place of a picture: [ Photo ]"""
DISCORD_S = re.compile(r".* — \d\d/\d\d/\d{4} \d{1,2}:\d\d [AP]M$")
"""How Discord writes a time in English; elsewhere days that are filled up with a zero mostly lead."""
AT_FIRST = 10
"""A talk's transcript begins within so many seconds; of a chat at night it may be minutes."""
FEWEST, FEWEST_LIKELY, FEWEST_SURE = 3, 2, 1
"""So many messages tell that a text is such a copy; fewer where the time stands alone below the name, or where an app
copies it like this."""
LONGEST = 10
"""Lines that a message of such a short copy has at most."""


def read(lines: Lines) -> Iterator[Message]:
    """The messages of such a copy."""
    return without_references(_read(lines))


def _read(lines: Lines) -> Iterator[Message]:
    first = [text for _, text in _joined(enumerate(head(lines, 3000)))]
    arrangement = find_arrangement(first)
    unmarked = [arrangement.unmarked(line) for line in first]
    if arrangement.place == "beside":
        way = TIME_FIRST if arrangement.header is TIME_FIRST else HEADER
        arrangement = replace(arrangement, header=with_long_names(way, unmarked))
    patterns = [ALONE] if arrangement.place in _READERS else [arrangement.header or HEADER, ALONE]
    stamps = (match for line in unmarked for pattern in patterns if (match := pattern.match(line)))
    clock = StampReader(stamps, size_of(first), month_first=any(map(DISCORD_S.match, unmarked)))
    reader = _READERS.get(arrangement.place, _read_above)
    has_unread = sum(line.strip() in ("New", "NEW") for line in first) == 1
    recorded: bool | None = None
    previews = Previews()
    for name, place, stamp, body in reader(_joined(lines), arrangement):
        sent_at = clock.time(stamp) if stamp is not None else None
        text = "\n".join(clock.without_break(previews.without(name, body))).strip()
        previews.remember(name, text)
        text = without_remnants(UNREAD.sub("", text) if has_unread else text)
        text = wechat.TOKENS.sub("", text).strip() or text
        if stamp is not None:
            content = content_of_any_app(text) if text and not MEDIA.fullmatch(text) else Content.MEDIA
            content = Content.FORWARDED if FORWARDED.match(text) else content if name else Content.NOTE
            message = Message(name, text, place, sent_at, content)
            recorded = clock.counts_minutes or is_recording(stamp, AT_FIRST) if recorded is None else recorded
            yield without_what_is_heard(message) if recorded else message
        elif text:  # what goes before the first message
            yield Message("", text, place, None, Content.NOTE)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a copy: names recur beside the times of messages."""
    if not any(map(HAS_CLOCK.search, sample)):
        return 0.0
    arrangement = find_arrangement([text for _, text in _joined(enumerate(sample))])
    count = arrangement.names.total()
    texts = sum(bool(line.strip()) for line in sample)
    is_sure = _begins_with(SURE, sample, arrangement)
    is_likely = arrangement.place != "beside" or _begins_with(SPACED, sample, arrangement)
    fewest = FEWEST_SURE if is_sure else FEWEST_LIKELY if is_likely else FEWEST
    if not (arrangement.recurs or is_sure) or count < fewest or count > 0.67 * texts:
        return 0.0
    if count < FEWEST and texts > LONGEST * count:  # a script may have a time in its heading
        return 0.0
    return min(1.0, 4 * count / texts)


def _begins_with(pattern: re.Pattern[str], sample: Sequence[str], arrangement: Arrangement) -> bool:
    """Whether a text begins with a name and a time as certain apps copy them."""
    first = next((line for _, line in _joined(enumerate(sample)) if line.strip()), "")
    return arrangement.header is HEADER and pattern.search(first) is not None and HEADER.match(first) is not None


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
        stands_apart |= alone is not None and arrangement.follows_name(text, alone)
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
    way = arrangement.header or LONG_NAME
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
    way = arrangement.header or LONG_NAME
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
