"""TikTok's direct messages: user_data.json, in which each chat is a list named `Chat History with NAME:`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import is_json
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.times import any_time
from offbook.data.extract.cue import Lines

NAMED = re.compile(r"Chat History with [^\"\\\n]{1,120}")
PARTNER = re.compile(r'"Chat History with ([^"\\\n]+?):?"\s*:\s*\[\s*\Z')
CHATS = re.compile(r'"Chat ?History"\s*:\s*\{')
SHARED = re.compile(r"https://(?:www|vm|vt|m)\.tiktok(?:v)?\.com/\S+")
"""A video that was sent on, as its address alone."""
MARKS = re.compile(r"\[(?P<kind>[A-Za-z ]{3,20})\]|(?P<words>Sticker|Shared (?:a )?post|Shared a video)")


def read(lines: Lines) -> Iterator[Message]:
    """The messages, chat by chat, oldest first.

    Raises:
        ParseError: the JSON is malformed.
    """
    messages = (_message(line, item, preamble) for line, item, preamble in read_messages(lines, NAMED))
    return in_order(messages)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like TikTok's download: 0 or 1."""
    text = "\n".join(sample) if is_json(sample) else ""
    return float(NAMED.search(text) is not None or ('"Direct Message' in text and CHATS.search(text) is not None))


def _message(line: int, item: JsonObject, preamble: str) -> Message:
    partner = PARTNER.search(preamble)
    text = str(item.get("Content") or "").strip()
    content = Content.TEXT if text else Content.MEDIA
    if mark := MARKS.fullmatch(text):
        content = Content.STICKER if "sticker" in mark[0].casefold() else Content.MEDIA
    elif SHARED.fullmatch(text):
        content = Content.MEDIA
    sender = str(item.get("From") or "?")
    return Message(sender, text, line, any_time(item.get("Date")), content, partner[1] if partner else "")


FORMAT = ChatFormat(
    "tiktok", "TikTok's direct messages (user_data.json)", read, looks_like, is_json=True, is_text=False
)
