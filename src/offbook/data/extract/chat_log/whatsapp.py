"""WhatsApp's "Export chat": `[12/05/2021, 21:33:20] Ann: Hi` (iPhone), `12/05/21, 21:33 - Ann: Hi` (Android)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from offbook.data.extract.chat_log.chat import Message, to_cues
from offbook.data.extract.cue import Cue, Lines, Skipped

HEADER = re.compile(
    r"^[\u200e\u200f\ufeff]*\[?(?P<date>\d{1,4}[./\-]\d{1,2}[./\-]\d{1,4}),?\s*(?:klo\s)?"
    r"(?P<half>上午|下午|凌晨|早上|中午|晚上)?\s*(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.]\d{2})?"
    r"[\s\u202f\xa0]*(?P<ampm>[ap]\.?\s?m\.?)?(?:\]|\s[-–])\s(?P<rest>.*)$",
    re.IGNORECASE,
)
SENDER = re.compile(r"^[\u200e\u202a~\s]*(?P<name>[^:“”\"]{1,60}?)[\u202c]?: (?P<text>.*)$", re.DOTALL)
MEDIA = re.compile(r"^(?:<[^<>]+>|\u200e.*|.{0,40}\(file attached\).*|.{0,40}（文件附件）.*)$", re.DOTALL)
DELETED = re.compile(
    r"^(?:This message was deleted|You deleted this message|此消息已删除|您已删除此消息|你已删除此消息)\.?$"
)
EDITED = re.compile(r"\s*\u200e?<(?:This message was edited|此消息已编辑)>$")


def read(lines: Lines) -> Iterator[Cue | Skipped]:
    """The messages of a WhatsApp export. Goes through `lines` twice: once for the order of day and month."""
    return to_cues(_messages(lines, month_first=_month_first(lines)))


def looks_like(sample: list[str]) -> float:
    """How much a text looks like a WhatsApp export: the share of its lines that begin a message."""
    texts = [line for line in sample if line.strip()]
    return sum(bool(HEADER.match(line)) for line in texts) / len(texts) if texts else 0.0


def _messages(lines: Lines, month_first: bool) -> Iterator[Message]:
    held: tuple[int, re.Match[str], list[str]] | None = None
    for number, line in lines:
        if found := HEADER.match(line):
            if held:
                yield _message(*held, month_first)
            held = number, found, [found["rest"]]
        elif held:
            held[2].append(line)
    if held:
        yield _message(*held, month_first)


def _message(line: int, found: re.Match[str], parts: list[str], month_first: bool) -> Message:
    when = _time(found, month_first)
    body = "\n".join(parts).strip()
    sent = SENDER.match(body)
    if not sent:
        return Message("", body, line, when, "picture, file or note of the app")
    text = EDITED.sub("", sent["text"]).strip(" \n")
    reason = (
        "picture, file or note of the app" if MEDIA.match(text) else "deleted message" if DELETED.match(text) else ""
    )
    return Message(sent["name"].strip(), text, line, when, reason)


def _month_first(lines: Lines) -> bool:
    """Whether dates are written as in the USA: a second number above 12 gives it away."""
    for _, line in lines:
        if found := HEADER.match(line):
            first, second, _ = (int(part) for part in re.split(r"[./\-]", found["date"]))
            if first > 12:
                return False
            if second > 12:
                return True
    return False


def _time(found: re.Match[str], month_first: bool) -> datetime | None:
    first, second, third = (int(part) for part in re.split(r"[./\-]", found["date"]))
    year, month, day = (first, second, third) if first > 31 else (third, first, second)
    if first <= 31 and not month_first:
        month, day = day, month
    hour = int(found["hour"])
    late = (found["ampm"] or "").lower().startswith("p") or found["half"] in ("下午", "晚上", "中午")
    hour = hour + 12 if late and hour < 12 else hour
    if (found["ampm"] or "").lower().startswith("a") and hour == 12:
        hour = 0
    try:
        return datetime(year + 2000 if year < 100 else year, month, day, hour, int(found["minute"]))
    except ValueError:
        return None
