"""Logs with a time, a name and a text on each line, in whatever form a program or a person writes them.

12/05/2021 21:30 Ann: Is the stove lit?       2021-05-12T21:30:42Z Ann: Is the stove lit?
2021-05-12 21:30 | Ann | Is the stove lit?    (09:30:42 PM) Ann: Is the stove lit?
[21:30] [Global] Ann: Is the stove lit?       [21:30] [Ann] Is the stove lit?
21:30, 12 May 2021 - Ann: Is the stove lit?   12 tháng 5, 2021 21:30 - Ann: Is the stove lit?
Ann [2021-05-12 21:30]: Is the stove lit?     Ann, [12 May 2021 at 21:30:42]:   and the text below
**Ann** 21:30: Is the stove lit?              **[21:30] Ann:** Is the stove lit?
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, pairwise

from offbook.core.patterns import lazy_pattern
from offbook.data.extract.chat_log.lines import NAME_BEGIN, NAME_LENGTH, Header, entries, head, size_of, with_long_names
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.phrases import content_of_any_app
from offbook.data.extract.chat_log.recordings import HEARD, is_recording, without_what_is_heard
from offbook.data.extract.chat_log.remnants import without_status
from offbook.data.extract.chat_log.stamps import HAS_CLOCK, STAMP, StampReader
from offbook.data.extract.cue import Lines
from offbook.data.extract.word_lists import words

_NAME = r"(?:[^\s:：|\t<>\[\]【】()（）\d,.;\-–—]|\d{1,4}(?=[^\W\d])|\d{3})[^:：|\t\n<>【】]" + NAME_LENGTH
_MARK = r"(?:\*{1,3}|`)?"
"""Markdown about a name or a time."""
_STAMPED = (
    rf"^[\s\ufeff\u200e\u200f]{{0,4}}+(?:[-+*>]\s)?{_MARK}[\[(（<]?\s?{STAMP}"
    rf"(?:\s\|\s[^\[\]\d]{{1,20}}[\d:]{{4,8}}[^\[\]]{{0,4}}(?=\]))?\s?[\])）>]?{_MARK}"
)
STAMPED = lazy_pattern(_STAMPED + r"(?=[\s\-–—|,:]|(?<=[\])）>]))")
"""How a line begins whose time stands first."""
_BETWEEN = r"(?:\s*[-–—|,]\s*|\s*:\s+|\s+|(?<=[\])）>]))"
_SIGN = r"(?P<sign>\s?[:：](?!//)(?:\*{2,3}(?=\s))?|\s*\||\t|(?<=[>】]))"
TIME_FIRST = lazy_pattern(
    rf"{_STAMPED}{_BETWEEN}{_MARK}(?:(?P<name>live:[^\s:]{{1,60}}|<[^<>\n]{{1,40}}>|【[^【】\n]{{1,40}}】|{_NAME}){_MARK}"
    rf"{_SIGN})\s*(?P<text>.*)$"
)
TAGGED = lazy_pattern(rf"{_STAMPED}{_BETWEEN}\[(?P<tag>[^\[\]\n]{{1,30}})\]\s?(?P<name>{_NAME}){_SIGN}\s*(?P<text>.*)$")
"""[21:30] [Global] Ann: hi"""
BRACKETED = lazy_pattern(rf"{_STAMPED}{_BETWEEN}\[(?P<name>{_NAME})\]\s?[:：]?\s+(?P<text>.*)$")
"""[21:30] [Ann] hi"""
NAME_FIRST = lazy_pattern(
    rf"^[\s\ufeff\u200e\u200f>]{{0,4}}+(?P<name>{NAME_BEGIN}[^:：|\t\n<>【】\[\](（]{NAME_LENGTH})(?:\s\[[A-Z0-9]{{3,12}}\])?"
    rf"(?:\ssays)?(?:,?\s?(?:@\s|[\[(（])|\s[-–—]\s){STAMP}[\])）]?\s?[:：]\s*(?P<text>.*)$"
)
BOLD_NAME = lazy_pattern(
    rf"^[\s\ufeff]{{0,4}}+(?:[-+*>]\s|#{{1,6}}\s)?\*\*(?P<name>{NAME_BEGIN}[^:：|\t\n<>*]{NAME_LENGTH})(?:[:：]?\*\*)?"
    rf"[,\s·•—–|-]{{0,4}}[\[(（*`]{{0,2}}{STAMP}[\])）*`]{{0,2}}\s?(?:[:：]?\*\*)?(?:[:：]|(?=\s)|$)\s*(?P<text>.*)$"
)
WITH_TIME_FIRST = (TIME_FIRST, TAGGED, BRACKETED)
PATTERNS = (*WITH_TIME_FIRST, NAME_FIRST, BOLD_NAME)
BARE_CLOCK = lazy_pattern(r"\s*\d{1,2}:\d{2}")
FEWEST = 2
LEAST_SHARE = 0.2
"""Of a log's lines (messages may go on over several) at least so many begin a message."""
MOSTLY = 0.6
"""Where so many do, one name that recurs is enough."""
NOT_SPEECH = words("roll rolls dice combat loot system 掷骰 骰子 系统 擲骰 系統 ダイス システム 주사위 시스템 система")
"""Tags of lines that hold no words of anybody: [ROLL] Initiative: 17"""
LEVELS = frozenset(["debug", "info", "notice", "warn", "warning", "error", "err", "critical", "fatal", "trace"])
"""What a program's log has in the place of a name."""


def read(lines: Lines) -> Iterator[Message]:
    """The messages of such a log, and the notes of its program."""
    first = head(lines, 3000)
    pattern = _pattern(first)
    beginning = with_long_names(pattern, first)
    headers = _headers(first, beginning)
    clock = StampReader(headers, size_of(first))
    forms = (
        frozenset(form for header in headers if (form := _form(header.string))) if pattern in WITH_TIME_FIRST else ()
    )
    goes_on = clock.counts_minutes or (is_recording(headers[0]) if headers else False)
    """Whether what has no name goes on with the last; in a chat it is a note of the program: `21:31 Carl joined`."""
    last: list[tuple[int, re.Match[str], list[str]] | None] = [None]
    for entry, following in pairwise(chain(entries(lines, beginning), last)):
        if entry is None:
            break
        number, header, more = entry
        sent_at = clock.time(header)
        next_header = following[1] if following else None
        stamped = [
            at for at, line in enumerate(more) if _form(line) in forms and _is_between(header, line, next_header)
        ]
        spoken_lines, *parts = [
            clock.without_break(more[start:end], goes_on=start > 0 or bool(header["text"]))
            for start, end in pairwise([0, *stamped, len(more)])
        ]
        notes = []
        for at, (first_line, *below) in zip(stamped, parts, strict=True):
            spoken = STAMPED.sub("", first_line).strip()
            if goes_on and not HEARD.fullmatch(spoken):
                spoken_lines += [spoken, *below]
            else:
                notes.append(Message("", _joined([first_line, *below]), number + 1 + at, None, Content.NOTE))
        text = without_status(_joined([header["text"], *spoken_lines]))
        message = _message(header, text, number, sent_at)
        yield without_what_is_heard(message) if goes_on else message
        yield from notes


def _message(header: re.Match[str], text: str, number: int, sent_at: datetime | None) -> Message:
    if header.groupdict().get("tag", "").strip().casefold() in NOT_SPEECH:
        return Message("", header[0].strip(), number, sent_at, Content.NOTE)
    name = header["name"].strip(" <>【】")
    return Message(name, text, number, sent_at, content_of_any_app(text) if text else Content.MEDIA)


def _pattern(sample: Sequence[str]) -> re.Pattern[str]:
    """The pattern that most lines match. What stands in brackets is a name only where none stands behind it."""
    counts = {pattern: len(_headers(sample, pattern)) for pattern in PATTERNS}
    best = max(counts, key=lambda pattern: counts[pattern])
    return TAGGED if best is BRACKETED and 2 * counts[TAGGED] >= counts[BRACKETED] else best


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(line.strip() for line in lines).strip()


def _form(line: str) -> str:
    """How a line writes the time that it begins with: its signs, the digits and letters aside; "" without a time."""
    stamp = STAMPED.match(line)
    return re.sub(r"[\s*`]+", "", re.sub(r"\w+", "0", stamp[0])) if stamp else ""


def _is_between(header: re.Match[str], line: str, next_header: re.Match[str] | None) -> bool:
    """Whether a line with a time and no name, in a log of such lines, is one of the log's own.

    A person, too, may begin a line with a bare clock (`9:30 breakfast`), but hardly with one between the times of the
    messages above and below.
    """
    stamp = STAMPED.match(line)
    if stamp is None or not BARE_CLOCK.fullmatch(stamp[0]):
        return stamp is not None
    begin, clock, end = (_clock(match) if match else [24] for match in (header, stamp, next_header))
    return begin <= clock <= end if begin <= end else clock >= begin or clock <= end


def _clock(stamp: re.Match[str]) -> list[int]:
    return [int(stamp[part] or 0) for part in ("hour", "minute", "second")]


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a log: names recur between times and texts.

    Less than any app's own format makes of lines that have its form.
    """
    return _likeness(sample, _pattern(sample)) if any(map(HAS_CLOCK.search, sample)) else 0.0


def _headers(sample: Sequence[str], pattern: Header) -> list[re.Match[str]]:
    return [match for line in sample if (match := pattern.match(line))]


def _likeness(sample: Sequence[str], pattern: re.Pattern[str]) -> float:
    headers = _headers(sample, pattern)
    names = Counter(header["name"].strip(" <>【】").casefold() for header in headers)
    lines = sum(bool(line.strip()) for line in sample)
    most_names = max(2, len(headers) / 1.5 if len(headers) < MOSTLY * lines else len(headers) - 1)
    if len(headers) < max(FEWEST, LEAST_SHARE * lines) or len(names) > most_names:
        return 0.0
    if all(_is_of_program(name) for name in names):
        return 0.0
    return 0.8 * len(headers) / lines


def _is_of_program(name: str) -> bool:
    """Whether a name is how grave a program's note is, beside a part of the program: Server thread/INFO."""
    parts = re.findall(r"\w+", name)
    return bool(parts) and not LEVELS.isdisjoint((parts[0], parts[-1]))


FORMAT = ChatFormat("text_log", "a log with a time, a name and a text on each line", read, looks_like)
