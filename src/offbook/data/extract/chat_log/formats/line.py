"""LINE's "Export chat history": a line of the date, then `21:30<tab>Ann<tab>Hi`; the desktop app writes spaces."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from offbook.data.extract.chat_log.lines import head, share
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.phrases import phrases
from offbook.data.extract.chat_log.times import DateOrder, at_clock, numeric_date
from offbook.data.extract.cue import Lines

TITLE = re.compile(r"^\ufeff?\[LINE\]")
PARTNER = re.compile(r"^\ufeff?\[LINE\] ?(?:Chat history (?:with|in) )?(?P<name>.+?)(?:とのトーク.*|のトーク.*|$)")
DATE = re.compile(
    r"^\ufeff?(?:[^\d\s]{1,12},? )?(?P<first>\d{1,4})[/.\-](?P<second>\d{1,2})[/.\-](?P<third>\d{1,4})"
    r"(?P<weekday>[ (（][^\t\d]{1,20})?$"
)
ENGLISH_DAY = re.compile(r"^\ufeff?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? \d{1,2}/")
"""Beside it the month leads, as in the USA, where the dates do not tell."""
CLOCK = r"(?P<before>上午|下午|午前|午後|오전|오후|[AP]M)? ?(?P<hour>\d{1,2}):(?P<minute>\d{2}) ?(?P<after>[AaPp][Mm])?"
TABBED = re.compile(rf"^{CLOCK.replace(':', '[:.]')}\t(?:(?P<name>[^\t]*)\t)?(?P<text>.*)$")
SPACED = re.compile(rf"^{CLOCK} (?P<text>\S.*)$")


MOST_WORDS = 4
"""Words of the longest name that is looked for."""


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a LINE export."""
    first = head(lines)
    pattern = TABBED if any(TABBED.match(text) for text in first) else SPACED
    names = _names(first) if pattern is SPACED else frozenset()
    order = DateOrder(month_first=any(ENGLISH_DAY.match(text) for text in first))
    for text in first:
        if (date := DATE.match(text)) and len(date["first"]) < 3:
            order.add(date["first"], date["second"])
    day: datetime | None = None
    begun: tuple[int, re.Match[str], datetime | None, list[str]] | None = None
    for number, text in lines:
        date = DATE.match(text)
        message = None if date else pattern.match(text)
        if (date or message) and begun:
            yield _message(*begun, names)
            begun = None
        if date:
            day = numeric_date(date["first"], date["second"], date["third"], order.month_first)
        elif message:
            begun = number, message, day, []
        elif begun:
            begun[3].append(text)
    if begun:
        yield _message(*begun, names)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a LINE export: 0 or 1."""
    dates = sum(bool(DATE.match(line)) for line in sample)
    titled = any(TITLE.match(line) for line in sample[:3])
    tabbed = sum(bool((match := TABBED.match(line)) and match["name"]) for line in sample)
    # The desktop app writes no title, but the day of the week behind the date.
    titled |= any((date := DATE.match(line)) and date["weekday"] for line in sample)
    return float(dates > 0 and (tabbed > 1 or (titled and share(sample, SPACED) > 0.2)))


def _names(first: Sequence[str]) -> frozenset[str]:
    """Names of several words, where spaces part name and text: the partner's, and what many texts begin with."""
    match = next((match for text in first[:3] if (match := PARTNER.match(text))), None)
    begins = Counter[str]()
    for text in first:
        words = message["text"].split(" ") if (message := SPACED.match(text)) else []
        begins.update(" ".join(words[:count]) for count in range(1, min(len(words), MOST_WORDS + 1)))
    longer = {text for text, count in begins.items() if " " in text and count == begins[text.split(" ")[0]] > 3}
    return frozenset({match["name"].strip()} | longer if match else longer)


def _message(line: int, match: re.Match[str], day: datetime | None, more: list[str], names: frozenset[str]) -> Message:
    name, text = match.groupdict().get("name"), match["text"]
    if match.re is SPACED:
        # The desktop app does not say where the name ends: one word is a name, if more are not known to be one.
        words = text.split(" ")
        candidates = (" ".join(words[:count]) for count in range(min(len(words), MOST_WORDS), 1, -1))
        name = next((name for name in candidates if name in names), words[0])
        text = text.removeprefix(name).strip()
        if not text:  # a note of the app: 小花已收回訊息
            name, text = "", name
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
