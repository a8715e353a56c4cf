"""Private messages of Bilibili as its page fetches them (JSON), whose people are numbers; the newest stands first.

{"data": {"messages": [{"sender_uid": 1, "msg_type": 1, "content": "…", "timestamp": 1620855000}, …]}}
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.times import epoch_time
from offbook.data.extract.cue import Lines

TEXT, NOTE = 1, 18
KINDS = {2: Content.MEDIA, 5: Content.DELETED, 6: Content.STICKER, NOTE: Content.NOTE}
"""Bilibili's numbers of what a message holds; any other is a card: a video, an article."""


def read(lines: Lines) -> Iterator[Message]:
    """The messages, oldest first.

    Raises:
        ParseError: the JSON is malformed.
    """
    return in_order(_message(line, item) for line, item, _ in read_messages(lines))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like Bilibili's messages: 0 or 1."""
    keys = json_keys(sample) if is_json(sample) else frozenset()
    return float(keys >= {"sender_uid", "receiver_id", "msg_type", "msg_seqno"})


def _message(line: int, item: JsonObject) -> Message:
    kind = item.get("msg_type")
    content = Content.TEXT if kind == TEXT else KINDS.get(kind if isinstance(kind, int) else 0, Content.MEDIA)
    if item.get("msg_status") == 1:
        content = Content.DELETED
    sender, receiver = str(item.get("sender_uid") or "?"), str(item.get("receiver_id") or "")
    is_group = item.get("receiver_type") == 2
    return Message(
        sender,
        _text(item.get("content")) if content is Content.TEXT else "",
        line,
        epoch_time(item.get("timestamp")),
        content,
        receiver if is_group else ", ".join(sorted((sender, receiver))),
        str(item.get("msg_key") or ""),
    )


def _text(written: object) -> str:
    """The words: they stand in a JSON object within a string."""
    try:
        value = json.loads(written) if isinstance(written, str) else written
    except (ValueError, RecursionError):
        value = written
    return str(value.get("content") or "").strip() if isinstance(value, dict) else str(value or "").strip()


FORMAT = ChatFormat("bilibili", "Bilibili's private messages (JSON)", read, looks_like, is_json=True, is_text=False)
