"""TikTok's direct messages: user_data.json, in which each chat is a list named `Chat History with NAME:`, and the text.

>>> Chat History with NAME::

2021-05-12 21:31:00 UTC Bob: Since four
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import entries, head, is_json
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.times import any_time
from offbook.data.extract.cue import Lines

NAMED = re.compile(r"Chat History with [^\"\\\n]{1,120}")
PARTNER = re.compile(r'"Chat History with ([^"\\\n]+?):?"\s*:\s*\[\s*\Z')
HEADING = re.compile(r"^\ufeff?>>> Chat History with (?P<partner>.*?):*\s*$")
WRITTEN = re.compile(r"^(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?: UTC)? (?P<name>[^\s:]{1,200}): ?(?P<text>.*)$")
STARTS = re.compile(f"{HEADING.pattern}|{WRITTEN.pattern}")
CHATS = re.compile(r'"Chat ?History"\s*:\s*\{')
SHARED = re.compile(r"https://(?:www|vm|vt|m)\.tiktok(?:v)?\.com/\S+")
"""A video that was sent on, as its address alone."""
MARKS = re.compile(r"\[(?P<kind>[A-Za-z ]{3,20})\]|(?P<words>Sticker|Shared (?:a )?post|Shared a video)")


def read(lines: Lines) -> Iterator[Message]:
    """The messages, chat by chat, oldest first.

    Raises:
        ParseError: the JSON is malformed.
    """
    if is_json(head(lines, 20)):
        return in_order(_message(line, item, preamble) for line, item, preamble in read_messages(lines, NAMED))
    return in_order(_from_text(lines))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like TikTok's download: 0 or 1."""
    if not is_json(sample):
        return float(any(map(HEADING.match, sample[:20])) and any(map(WRITTEN.match, sample)))
    text = "\n".join(sample)
    return float(NAMED.search(text) is not None or ('"Direct Message' in text and CHATS.search(text) is not None))


def _message(line: int, item: JsonObject, preamble: str) -> Message:
    partner = PARTNER.search(preamble)
    text = str(item.get("Content") or "").strip()
    sender = str(item.get("From") or "?")
    return Message(sender, text, line, any_time(item.get("Date")), _content(text), partner[1] if partner else "")


def _from_text(lines: Lines) -> Iterator[Message]:
    """The messages of the text; one may go on over several lines."""
    partner = ""
    for line, start, more in entries(lines, STARTS):
        if start["partner"] is not None:
            partner = start["partner"]
            continue
        text = "\n".join([start["text"], *more]).strip()
        yield Message(start["name"], text, line, any_time(start["time"]), _content(text), partner)


def _content(text: str) -> Content:
    if mark := MARKS.fullmatch(text):
        return Content.STICKER if "sticker" in mark[0].casefold() else Content.MEDIA
    return Content.MEDIA if not text or SHARED.fullmatch(text) else Content.TEXT


FORMAT = ChatFormat(
    "tiktok", "TikTok's direct messages (user_data.json, Direct Messages.txt)", read, looks_like, is_json=True
)
