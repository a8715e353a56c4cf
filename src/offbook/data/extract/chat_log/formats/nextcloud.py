"""Conversations of Nextcloud Talk as its API gives them (JSON)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.times import epoch_time
from offbook.data.extract.cue import Lines

KEYS = frozenset(["ocs", "actorDisplayName", "systemMessage", "message"])
PLACEHOLDER = re.compile(r"\{([\w-]{1,40})\}")
TYPES = {
    "system": Content.NOTE,
    "command": Content.NOTE,
    "comment_deleted": Content.DELETED,
    "voice-message": Content.MEDIA,
}


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a conversation.

    Raises:
        ParseError: the JSON is malformed.
    """
    yield from in_order(_message(line, item) for line, item, _ in read_messages(lines, "data"))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a conversation: 0 or 1."""
    return float(is_json(sample) and json_keys(sample) >= KEYS)


def _message(line: int, item: JsonObject) -> Message:
    parameters, parent = item.get("messageParameters"), item.get("parent")
    parameters = parameters if isinstance(parameters, dict) else {}
    text = str(item.get("message") or "")
    content = TYPES.get(str(item.get("messageType")), Content.TEXT)
    if content is Content.TEXT and not PLACEHOLDER.sub("", text).strip() and "file" in parameters:
        content = Content.MEDIA
    mentions = tuple(name for key in PLACEHOLDER.findall(text) if (name := _name(parameters, key)))
    return Message(
        str(item.get("actorDisplayName") or item.get("actorId") or "?"),
        PLACEHOLDER.sub(lambda hole: f"@{_name(parameters, hole[1])}" if _name(parameters, hole[1]) else hole[0], text),
        line,
        epoch_time(item.get("timestamp")),
        content,
        str(item.get("token") or ""),
        str(item.get("id") or ""),
        str(parent.get("id") or "") if isinstance(parent, dict) else "",
        mentions,
    )


def _name(parameters: Mapping[str, Any], key: str) -> str:
    """Whom a hole in a text names; "" where it stands for something else."""
    value = parameters.get(key)
    return str(value.get("name") or "") if key.startswith("mention") and isinstance(value, dict) else ""


FORMAT = ChatFormat("nextcloud", "Nextcloud Talk's messages (JSON)", read, looks_like, is_json=True, is_text=False)
