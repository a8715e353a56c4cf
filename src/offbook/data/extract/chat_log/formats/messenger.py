"""Messenger and Instagram: message_1.json or .html of "Download your information", encrypted chats, copies of the page.

The download as JSON writes UTF-8 as if each byte were a character of Latin-1 (`TomÃ¡Å¡`), and the newest message first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from offbook.data.extract.chat_log import messenger_web
from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages, string_in
from offbook.data.extract.chat_log.lines import head, is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.phrases import phrases
from offbook.data.extract.chat_log.times import epoch_time, spelled_time
from offbook.data.extract.chat_log.web_page import Element, elements, is_page
from offbook.data.extract.cue import Lines

MEDIA_FIELDS = ("photos", "videos", "audio_files", "gifs", "files", "media")
BLOCK = "pam"
"""The class of what holds a message in a web page: the name, the message and the time, one below the other."""
PAGE = re.compile(r'class="pam _3-95\b|class="[^"]*\b_a6-[ghp]\b')
COPIED_LINES = 3000
PICTURES = ("img", "video", "audio")
REACTIONS = ("ul",)


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a Messenger or Instagram download, oldest first; each file's list is held to turn it round.

    Raises:
        ParseError: the JSON is malformed, or what is copied from the page does not tell who writes.
    """
    if messenger_web.looks_like(head(lines, COPIED_LINES)):
        yield from messenger_web.read(lines)
        return
    if is_page("\n".join(head(lines, 20))):
        yield from in_order(filter(None, map(_from_block, elements(lines, lambda each: each.is_a(BLOCK)))))
        return
    messages = (_message(line, item, preamble) for line, item, preamble in read_messages(lines))
    for _, group in groupby(messages, lambda message: message.chat):
        listed = list(group)
        times = [message.sent_at for message in listed if message.sent_at]
        yield from reversed(listed) if times and times[0] > times[-1] else listed


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a download: 0 or 1."""
    if is_page("\n".join(sample[:20])):
        return float(any(PAGE.search(line) for line in sample))
    if not is_json(sample):
        return float(messenger_web.looks_like(sample))
    keys = json_keys(sample)
    return float(keys >= {"sender_name", "timestamp_ms"} or keys >= {"participants", "senderName", "timestamp"})


def undo_mojibake(text: str) -> str:
    """The text that was meant: bytes of UTF-8 that were read as Latin-1 are read as UTF-8."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text


def _message(line: int, item: JsonObject, preamble: str) -> Message:
    sender = undo_mojibake(str(item.get("sender_name") or item.get("senderName") or "?"))
    text = undo_mojibake(str(item.get("content") or item.get("text") or ""))
    sent_at = epoch_time(item.get("timestamp_ms") or item.get("timestamp"))
    chat = undo_mojibake(string_in(preamble, "title") or string_in(preamble, "threadName"))
    return Message(sender, text, line, sent_at, _content(item, text), chat)


def _content(item: JsonObject, text: str) -> Content:
    if item.get("is_unsent") or item.get("isUnsent"):
        return Content.DELETED
    if "call_duration" in item or item.get("type") == "Call":
        return Content.CALL
    if item.get("type") in ("Subscribe", "Unsubscribe"):
        return Content.NOTE
    if not text and "sticker" in item:
        return Content.STICKER
    if any(item.get(field) for field in MEDIA_FIELDS):
        # What it then writes as the text (`Ann sent a photo.`) is the app's.
        return Content.MEDIA
    shared = item.get("share")
    if shared:  # somebody writes beside a link, or holds it in the text
        link = str(shared.get("link") or "") if isinstance(shared, dict) else ""
        return Content.TEXT if link and link in text else Content.MEDIA
    return phrases("messenger").content(text.strip()) if text else Content.NOTE


def _from_block(block: Element) -> Message | None:
    """The message of a web page; None for what is no message, as the list of who takes part."""
    parts = block.parts()
    sent_at = spelled_time(parts[-1].text()) if len(parts) > 2 else None
    if sent_at is None:
        return None
    name, body = parts[0].text(), parts[1]
    text = body.text(without=lambda part: part.tag in REACTIONS)
    content = phrases("messenger").content(text) if text else Content.NOTE
    if any(each.tag in PICTURES for each in body.within()):
        content = Content.MEDIA
    return Message(name or "?", text, block.line, sent_at, content)


FORMAT = ChatFormat(
    "messenger",
    "Messenger's and Instagram's message_1.json or .html, copies of Messenger's page",
    read,
    looks_like,
    is_json=True,
    is_page=True,
)
