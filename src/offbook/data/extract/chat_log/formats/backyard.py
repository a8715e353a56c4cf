"""Chats that Backyard AI (Faraday) exports as JSON: what was put in and what came out, in turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import read_messages
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Message
from offbook.data.extract.chat_log.times import any_time
from offbook.data.extract.cue import Lines

SIDES = {"input": "User", "output": "Character"}


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a chat. Nobody is named in it: the sides are `User` and `Character`.

    Raises:
        ParseError: the JSON is malformed.
    """
    for line, item, _ in read_messages(lines, "ChatItems"):
        for key, sender in SIDES.items():
            if text := str(item.get(key) or "").strip():
                yield Message(sender, text, line, any_time(item.get("createdAt")))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a chat: 0 or 1."""
    return float(is_json(sample) and json_keys(sample) >= {"ChatItems", *SIDES})


FORMAT = ChatFormat("backyard", "Backyard AI's chats (JSON)", read, looks_like, is_json=True, is_text=False)
