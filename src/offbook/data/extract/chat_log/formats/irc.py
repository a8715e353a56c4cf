"""Logs of IRC clients: irssi, WeeChat, ZNC, mIRC, HexChat and others that mark who writes as they do.

21:30 <@ann> Is the stove lit?                    irssi; a heading says which day it is
2021-05-12 21:30:42<tab>@ann<tab>Is the stove lit?    WeeChat
[21:30:42] <ann> Is the stove lit?                ZNC, mIRC
May 12 21:30:42 <ann><tab>Is the stove lit?           HexChat
<ann> Is the stove lit?                           what is copied from a client, beside `* ann sighs`
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from offbook.data.extract.chat_log.lines import share
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import UNTOLD_YEAR, RunningClock, spelled_date
from offbook.data.extract.cue import Lines

DATE = r"(?:(?P<date>\d{4}-\d{2}-\d{2}|[A-Z][a-z]{2} [ \d]?\d)[ T])?"
ZONE = r"(?:\.\d{1,6})?(?:Z|[+-]\d{2}:?\d{2})?"
TIME = rf"\[?{DATE}(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})(?::(?P<second>\d{{2}}){ZONE})?\]?"
STATUS = r"[@+%&~!]?"
"""What a client sets before the name of somebody who runs the channel."""
LINE = re.compile(
    rf"^(?:{TIME}\s*)?(?:<\s*{STATUS}(?P<name>[^<>\s]+)>\s|(?P<note>-!-|\*{{1,3}}|-[^\s-]\S*-)\s)\s*(?P<text>.*)$"
)
TABBED = re.compile(
    r"^(?P<date>\d{4}-\d{2}-\d{2}) (?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2})"
    r"\t\s*(?P<sign>[^\t]*?)\s*\t(?P<text>.*)$"
)
"""WeeChat's, which always has the date: LINE's has the clock alone."""
SIGNS = frozenset(("", "*", "--", "-->", "<--", "=!=", "ℹ", "⚡"))
"""What WeeChat writes in the place of a name beside its own lines."""
USUAL = 0.6
"""Share of a log's lines that have a time; the others are headings of days and sessions."""
CODES = re.compile(r"\x03(?:\d{1,2}(?:,\d{1,2})?)?|\x04[0-9A-Fa-f]{6}|[\x02\x0f\x11\x16\x1d-\x1f]")
"""How clients write colours, bold and italic letters among the text."""
OPENING = "**** BEGIN LOGGING AT "
"""How HexChat begins a session."""
DAY = re.compile(r"^(?:--- (?:Log opened|Day changed)|Session Start:|\*{4} BEGIN LOGGING AT) (?P<day>.*)$")
DAY_PARTS = re.compile(r"(?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) (?:[\d:]+ )?(?P<year>\d{4})")


def read(lines: Lines) -> Iterator[Message]:
    """The messages of an IRC log; any other line, also what somebody does (`* ann sighs`), is a note."""
    clock, year = RunningClock(), UNTOLD_YEAR
    for number, raw in lines:
        text = CODES.sub("", raw)
        if heading := DAY.match(text):
            day = _day(heading["day"])
            year = day.year if day else year
            clock.begin(day)
        match = _match(text)
        if match is None:
            if text.strip():
                yield Message("", text.strip(), number, None, Content.NOTE)
            continue
        if match["date"]:
            clock.begin(spelled_date(match["date"] if match["date"][0].isdecimal() else f"{match['date']}, {year}")[0])
        sent_at = clock.at(match["hour"], match["minute"], match["second"]) if match["hour"] else None
        name = _name(match)
        yield Message(name, match["text"].strip(), number, sent_at, Content.TEXT if name else Content.NOTE)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like an IRC log: 1 where most of its lines are those of one, else their share."""
    if any(line.startswith(OPENING) for line in sample):
        return 1.0
    if sum(bool((match := _match(line)) and _name(match)) for line in sample) < 2:
        return 0.0
    texts = [CODES.sub("", line) for line in sample]
    lines = max(share(texts, LINE), share(texts, TABBED))
    matches = [match for line in sample if (match := _match(line))]
    if not any(match["hour"] for match in matches) and (lines <= USUAL or all(map(_name, matches))):
        return 0.0  # without times it is what the client notes (* ann sighs) that tells a log from a script
    return 1.0 if lines > USUAL else lines


def _match(text: str) -> re.Match[str] | None:
    line = CODES.sub("", text)
    return LINE.match(line) or TABBED.match(line)


def _name(match: re.Match[str]) -> str:
    if match.re is LINE:
        return match["name"] or ""
    sign = match["sign"]
    return "" if sign in SIGNS else re.sub(f"^{STATUS}", "", sign)


def _day(text: str) -> datetime | None:
    parts = DAY_PARTS.search(text)
    return spelled_date(f"{parts['month']} {parts['day']}, {parts['year']}" if parts else text)[0]


FORMAT = ChatFormat("irc", "logs of IRC clients (irssi, WeeChat, ZNC, mIRC, HexChat)", read, looks_like)
