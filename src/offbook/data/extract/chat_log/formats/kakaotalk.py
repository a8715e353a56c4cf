"""KakaoTalk's exported conversations, as Windows, macOS (CSV), Android and iPhone write them.

--------------- 2021년 5월 12일 수요일 ---------------
[마라] [오후 9:30] 등불 켰어?

2021년 5월 12일 오후 9:30, 마라 : 등불 켰어?
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from offbook.data.extract.chat_log.lines import head, share
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.phrases import phrases
from offbook.data.extract.chat_log.table_stream import columns, read_table
from offbook.data.extract.chat_log.times import any_time, at_clock, spelled_date, spelled_time
from offbook.data.extract.cue import Lines

TABLE_COLUMNS = ["date", "user", "message"]
DATE = r"(?:\d{4}[년.] ?\d{1,2}[월.] ?\d{1,2}[일.]|\d{4}年\d{1,2}月\d{1,2}日|[A-Z][a-z]{2,8} \d{1,2}, \d{4})"
HALF = r"오전|오후|午前|午後|AM|PM"
DAY = re.compile(rf"^-{{5,}} (?:[A-Z][a-z]+, )?(?P<date>{DATE})(?: ?\S+)? -{{5,}}$")
WINDOWS = re.compile(
    rf"^\[(?P<name>.{{1,200}}?)\] "
    rf"\[(?P<before>{HALF})? ?(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}}) ?(?P<after>{HALF})?\] ?"
    r"(?P<text>.*)$"
)
PHONE = re.compile(
    rf"^\ufeff?(?P<time>{DATE},?(?: at)? (?:(?:{HALF}) )?\d{{1,2}}:\d{{2}}(?: ?(?:{HALF}))?)"
    r"(?:, (?P<name>.+?) : (?P<text>.*)|[,:]? ?(?P<note>.*))$"
)
DAY_ON_PHONE = re.compile(rf"^{DATE} (?:\S요일|\S曜日)$")


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a KakaoTalk export.

    Raises:
        ParseError: the table is malformed.
    """
    if columns("".join(head(lines, 1))) == TABLE_COLUMNS:
        for line, row in read_table(lines):
            yield _message(row.get("user", ""), row.get("message", ""), line, any_time(row.get("date")))
        return
    day: datetime | None = None
    begun: tuple[str, list[str], int, datetime | None] | None = None
    for number, text in lines:
        date, windows, phone = DAY.match(text), WINDOWS.match(text), PHONE.match(text)
        if (date or windows or phone or DAY_ON_PHONE.match(text)) and begun:
            yield _message(begun[0], "\n".join(begun[1]), begun[2], begun[3])
            begun = None
        if date:
            day = spelled_date(date["date"])[0]
        elif windows:
            halves = (windows["before"], windows["after"])
            sent_at = at_clock(day, windows["hour"], windows["minute"], halves=halves) if day else None
            begun = windows["name"], [windows["text"]], number, sent_at
        elif phone:
            begun = phone["name"] or "", [phone["text"] or phone["note"] or ""], number, spelled_time(phone["time"])
        elif begun and phrases("kakaotalk").content(text) is Content.NOTE:
            # Who comes and goes is told on a line of its own, without a time.
            yield _message(begun[0], "\n".join(begun[1]), begun[2], begun[3])
            yield _message("", text, number, begun[3])
            begun = None
        elif begun:
            begun[1].append(text)
    if begun:
        yield _message(begun[0], "\n".join(begun[1]), begun[2], begun[3])


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a KakaoTalk export: 0 or 1."""
    if columns("".join(sample[:1])) == TABLE_COLUMNS:
        return 1.0
    named = sum(bool((match := PHONE.match(line)) and match["name"]) for line in sample)
    return float(share(sample, WINDOWS) > 0.2 or named > max(1, len(sample) // 20))


def _message(name: str, text: str, line: int, sent_at: datetime | None) -> Message:
    text = text.strip()
    if not name:
        return Message("", text, line, sent_at, Content.NOTE)
    return Message(name.strip(), text, line, sent_at, phrases("kakaotalk").content(text))


FORMAT = ChatFormat("kakaotalk", "KakaoTalk's text or CSV export", read, looks_like)
