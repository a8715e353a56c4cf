"""Keybase's chats as `keybase chat api` gives them: JSON, the newest first, or a message on each line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_json_lines, read_messages
from offbook.data.extract.chat_log.lines import first_keys, head, is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.times import epoch_time
from offbook.data.extract.cue import Lines

KEYS = frozenset(["msg", "channel", "sender", "sent_at", "content"])
KINDS = {
    "text": Content.TEXT,
    "attachment": Content.MEDIA,
    "attachmentuploaded": Content.MEDIA,
    "reaction": Content.STICKER,
}
"""What a message holds; any other changes or notes something."""


def read(lines: Lines) -> Iterator[Message]:
    """The messages of one chat or several.

    Raises:
        ParseError: the JSON is malformed.
    """
    if "msg" in first_keys(head(lines, 800)):
        items = read_json_lines(lines)
    else:
        items = ((line, item) for line, item, _ in read_messages(lines))
    bodies = ((line, item["msg"]) for line, item in items if isinstance(item.get("msg"), dict))
    yield from in_order(_message(line, item) for line, item in bodies)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such chats: 0 or 1."""
    return float(is_json(sample) and json_keys(sample) >= KEYS)


def _message(line: int, item: JsonObject) -> Message:
    sender, channel, body = item.get("sender"), item.get("channel"), item.get("content")
    name = str(sender.get("username") or "?") if isinstance(sender, dict) else "?"
    chat = [str(channel.get(key) or "") for key in ("name", "topic_name")] if isinstance(channel, dict) else []
    body = body if isinstance(body, dict) else {}
    written = body.get("text")
    written = written if isinstance(written, dict) else {}
    content = KINDS.get(str(body.get("type")), Content.NOTE)
    return Message(
        name,
        str(written.get("body") or ""),
        line,
        epoch_time(item.get("sent_at_ms") or item.get("sent_at")),
        content,
        ", ".join(filter(None, chat)),
        str(item.get("id") or ""),
        str(written.get("replyTo") or ""),
    )


FORMAT = ChatFormat("keybase", "Keybase's chats (JSON)", read, looks_like, is_json=True, is_text=False)
