"""Skype's export of chats and files: messages.json, in which each chat's newest message stands first."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages, string_in
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import iso_time
from offbook.data.extract.cue import Lines

TEXTS = ("RichText", "Text")
QUOTE = re.compile(r"<quote\b.*?</quote>", re.DOTALL)
EDIT = re.compile(r"<e_m\b[^<>]*>(?:.*?</e_m>)?", re.DOTALL)
TAG = re.compile(r"<[^<>]*>")
ACCOUNT = re.compile(r"^\d+:(?:live:)?")


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a Skype export, oldest first; each chat's list is held to turn it round.

    Raises:
        ParseError: the JSON is malformed.
    """
    messages = (_message(line, item, preamble) for line, item, preamble in read_messages(lines, "MessageList"))
    for _, group in groupby(messages, lambda message: message.chat):
        yield from reversed(list(group))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a Skype export: 0 or 1."""
    keys = json_keys(sample) if is_json(sample) else frozenset()
    return float(keys >= {"userId", "conversations", "MessageList"})


def _message(line: int, item: JsonObject, preamble: str) -> Message:
    written = str(item.get("content") or "")
    text = html.unescape(TAG.sub("", EDIT.sub("", QUOTE.sub("", written)))).strip()
    sender = str(item.get("displayName") or "") or ACCOUNT.sub("", str(item.get("from") or "?"))
    chat = str(item.get("conversationid") or string_in(preamble, "id"))
    sent_at = iso_time(item.get("originalarrivaltime"))
    return Message(sender, text, line, sent_at, _content(item, text), chat, str(item.get("id") or ""))


def _content(item: JsonObject, text: str) -> Content:
    kind = str(item.get("messagetype"))
    if kind in TEXTS:
        return Content.TEXT if text else Content.DELETED
    if kind.startswith("Event/Call"):
        return Content.CALL
    return Content.MEDIA if kind.startswith("RichText/") else Content.NOTE


FORMAT = ChatFormat("skype", "Skype's messages.json", read, looks_like, is_json=True, is_text=False)
