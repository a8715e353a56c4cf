"""Messages as they are copied from Slack, Discord or Teams, and transcripts of talks: name and clock above the text.

Ann Hale  9:30 PM          Ann Hale — Today at 9:30 PM          Ann Hale
Is the lamp lit?           Is the lamp lit?                       9:30 PM
                                                                Is the lamp lit?

A further message of the same sender may have the clock alone above it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import UNDATED, RunningClock, at_clock, spelled_date
from offbook.data.extract.cue import Lines

_NAME = r"[^\W\d_](?:[^\n:：,.!?;\"“”…]|\.(?=\s\w)){0,40}?"
_DAY = (
    r"(?:(?:[Tt]oday|[Yy]esterday|heute|gestern|aujourd[’']hui|hier|今天|昨天)(?:\s(?:at|um|à))?"
    r"|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}),?"
)
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?:[\s\u202f]?(?P<half>[AaPp]\.?[Mm]\.?))?"
HEADER = re.compile(
    rf"^(?P<name>{_NAME})(?:\s{{1,4}}|\s*[—–|]\s*|\s*\t\s*)[(\[]?(?:(?P<day>{_DAY})\s+)?{_CLOCK}[)\]]?\s*$"
)
CLOCK = re.compile(rf"^\s{{0,4}}[(\[]?{_CLOCK}[)\]]?\s*$")
BARE_NAME = re.compile(rf"^(?P<name>{_NAME})\s*$")
EDITED = re.compile(r"\s*\((?:edited|bearbeitet|modifié|editado|已编辑|編輯済み)\)\s*$")
FEWEST, FEWEST_ALONE = 3, 2
"""So many messages tell that a text is such a copy; fewer where the clock stands alone below the name."""


def read(lines: Lines) -> Iterator[Message]:
    """The messages of such a copy."""
    clock, name, body, place = RunningClock(), "", list[str](), 0
    header: re.Match[str] | None = None

    def message() -> Iterator[Message]:
        if header is None:  # what goes before the first message
            text = "\n".join(body).strip()
            yield from [Message("", text, 1, None, Content.NOTE)] if text else []
            return
        text = EDITED.sub("", "\n".join(body).strip())
        day = header.groupdict().get("day")
        clock.begin(spelled_date(day)[0] if day else None)
        halves = (header["half"],)
        sent_at = clock.at(str(_hour(header["hour"], halves)), header["minute"], header["second"])
        yield Message(name, text, place, sent_at, Content.TEXT if text else Content.MEDIA)

    before: tuple[int, str] | None = None
    for number, text in lines:
        beside, alone = HEADER.match(text), CLOCK.match(text)
        owner = BARE_NAME.match(before[1]) if alone and before else None
        if beside or alone:
            if owner:
                body = body[:-1]
            yield from message()
            place = before[0] if owner and before else number
            name = (beside["name"] if beside else owner["name"] if owner else name).strip()
            header, body = beside or alone, []
        else:
            body.append(text)
        before = number, text
    yield from message()


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a copy: names recur above messages, each with a clock."""
    names = Counter[str]()
    alone = 0
    for above, line in zip(("", *sample), sample, strict=False):
        if header := HEADER.match(line):
            names[header["name"].strip()] += 1
        elif CLOCK.match(line) and (owner := BARE_NAME.match(above)):
            names[owner["name"].strip()] += 1
            alone += 1
    texts = sum(bool(line.strip()) for line in sample)
    count = names.total()
    if (count < FEWEST and alone < FEWEST_ALONE) or len(names) > max(2, count / 1.5) or count > 0.67 * texts:
        return 0.0
    return min(1.0, 4 * count / texts)


def _hour(hour: str, halves: tuple[str | None, ...]) -> int:
    """The hour of the day, 0 … 23, of one that may be told from noon or midnight."""
    time = at_clock(UNDATED, hour, "0", halves=halves)
    return time.hour if time else int(hour)


FORMAT = ChatFormat(
    "copied", "messages copied from Slack, Discord or Teams; transcripts with name and clock", read, looks_like
)
