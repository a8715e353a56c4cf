"""Agnai's "Export Chat": JSON with the scene at its head and `messages`, each of a user or a character."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages, string_in
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import any_time
from offbook.data.extract.cue import Lines

USER, CHARACTER = "You", "Character"
"""What the two sides are called where the export does not name them."""
UNNAMED = "Exported"
"""What Agnai calls every chat that it exports."""


def read(lines: Lines) -> Iterator[Message]:
    """The messages of an Agnai chat.

    Raises:
        ParseError: the JSON is malformed.
    """
    for line, item, preamble in read_messages(lines):
        yield _message(line, item, string_in(preamble, "name"))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like an Agnai chat: 0 or 1."""
    keys = json_keys(sample) if is_json(sample) else frozenset()
    return float(keys >= {"messages", "msg"} and bool(keys & {"characterId", "userId"}))


def _message(line: int, item: JsonObject, chat: str) -> Message:
    text = str(item.get("msg") or "")
    is_user = bool(item.get("userId")) and not item.get("characterId")
    unnamed = USER if is_user else CHARACTER if chat in ("", UNNAMED) else chat
    content = Content.NOTE if item.get("ooc") or not text.strip() else Content.TEXT
    sent_at = any_time(item.get("createdAt"))
    return Message(str(item.get("name") or item.get("handle") or unnamed), text, line, sent_at, content)


FORMAT = ChatFormat("agnai", "Agnai's chats (JSON)", read, looks_like, is_json=True, is_text=False)
