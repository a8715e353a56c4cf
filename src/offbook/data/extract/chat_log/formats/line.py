"""LINE's "Export chat history": a line of the date, then `21:30<tab>Ann<tab>Hi`; the desktop app writes spaces."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from offbook.data.extract.chat_log.lines import head, share
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.phrases import phrases
from offbook.data.extract.chat_log.times import at_clock, numeric_date
from offbook.data.extract.cue import Lines

TITLE = re.compile(r"^\ufeff?\[LINE\]")
PARTNER = re.compile(r"^\ufeff?\[LINE\] ?(?:Chat history (?:with|in) )?(?P<name>.+?)(?:とのトーク.*|のトーク.*|$)")
DATE = re.compile(
    r"^\ufeff?(?:\w{2,9}\.?, )?(?P<first>\d{1,4})[/.\-](?P<second>\d{1,2})[/.\-](?P<third>\d{1,4})"
    r"(?:[ (（][^\t\d]{1,20})?$"
)
CLOCK = r"(?P<before>上午|下午|午前|午後|오전|오후|[AP]M)? ?(?P<hour>\d{1,2}):(?P<minute>\d{2}) ?(?P<after>[AaPp][Mm])?"
TABBED = re.compile(rf"^{CLOCK}\t(?:(?P<name>[^\t]*)\t)?(?P<text>.*)$")
SPACED = re.compile(rf"^{CLOCK} (?P<text>\S.*)$")


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a LINE export."""
    first = head(lines)
    partner = _partner(first)
    pattern = TABBED if any(TABBED.match(text) for text in first) else SPACED
    day: datetime | None = None
    begun: tuple[int, re.Match[str], datetime | None, list[str]] | None = None
    for number, text in lines:
        date = DATE.match(text)
        message = None if date else pattern.match(text)
        if (date or message) and begun:
            yield _message(*begun, partner)
            begun = None
        if date:
            day = numeric_date(date["first"], date["second"], date["third"], month_first=True)
        elif message:
            begun = number, message, day, []
        elif begun:
            begun[3].append(text)
    if begun:
        yield _message(*begun, partner)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a LINE export: 0 or 1."""
    dates = sum(bool(DATE.match(line)) for line in sample)
    titled = any(TITLE.match(line) for line in sample[:3])
    tabbed = sum(bool((match := TABBED.match(line)) and match["name"]) for line in sample)
    return float(dates > 0 and (tabbed > 1 or (titled and share(sample, SPACED) > 0.2)))


def _partner(first: Sequence[str]) -> str:
    match = next((match for text in first[:3] if (match := PARTNER.match(text))), None)
    return match["name"].strip() if match else ""


def _message(line: int, match: re.Match[str], day: datetime | None, more: list[str], partner: str) -> Message:
    name, text = match.groupdict().get("name"), match["text"]
    if match.re is SPACED:
        # The desktop app does not say where the name ends: the partner's is in the title, the other is one word.
        name = partner if partner and text.startswith(f"{partner} ") else text.split(" ", 1)[0]
        text = text.removeprefix(name).strip()
    body = "\n".join([text, *more]).strip()
    if more and body.startswith('"'):
        body = body.strip('"').strip()
    halves = (match["before"], match["after"])
    sent_at = at_clock(day, match["hour"], match["minute"], halves=halves) if day else None
    if not name:
        content = phrases("line").content(body)
        return Message("", body, line, sent_at, Content.NOTE if content is Content.TEXT else content)
    return Message(name.strip(), body, line, sent_at, phrases("line").content(body))


FORMAT = ChatFormat("line", "LINE's text export", read, looks_like)
