"""Chats of Janitor AI as its page fetches them (JSON); an answer that was swiped away is no main one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, JsonText
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.times import any_time
from offbook.data.extract.cue import Lines

USER, CHARACTER = "User", "Character"


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a chat, signed by `User` and the character's name.

    Raises:
        ParseError: the JSON is malformed.
    """
    source = JsonText(lines)
    value = source.value if isinstance(source.value, dict) else {}
    character = value.get("character")
    character = character if isinstance(character, dict) else {}
    name = str(character.get("chat_name") or character.get("name") or CHARACTER)
    items = value.get("chatMessages")
    listed = [item for item in (items if isinstance(items, list) else ()) if isinstance(item, dict)]
    yield from in_order(_message(item, name, source) for item in listed)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a chat: 0 or 1."""
    return float(is_json(sample) and json_keys(sample) >= {"chatMessages", "is_bot", "message"})


def _message(item: JsonObject, name: str, source: JsonText) -> Message:
    text = str(item.get("message") or "").strip()
    is_kept = bool(text) and item.get("is_main") is not False
    sender = name if item.get("is_bot") else USER
    line = source.line_of(str(item.get("message") or ""))
    return Message(sender, text, line, any_time(item.get("created_at")), Content.TEXT if is_kept else Content.NOTE)


FORMAT = ChatFormat("janitor", "Janitor AI's chats (JSON)", read, looks_like, is_json=True, is_text=False)
