"""Zulip: the messages that its interface gives (JSON), `{"messages": […]}`; a channel's topic is a chat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.times import epoch_time
from offbook.data.extract.chat_log.web_page import elements
from offbook.data.extract.cue import Lines

QUOTATIONS = ("blockquote",)


def read(lines: Lines) -> Iterator[Message]:
    """The messages, topic by topic, oldest first.

    Raises:
        ParseError: the JSON is malformed.
    """
    return in_order(_message(line, item) for line, item, _ in read_messages(lines))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like Zulip's messages: 0 or 1."""
    keys = json_keys(sample) if is_json(sample) else frozenset()
    return float(keys >= {"sender_full_name", "content", "timestamp", "display_recipient"})


def _message(line: int, item: JsonObject) -> Message:
    where = item.get("display_recipient")
    chat = [where, item.get("subject")] if isinstance(where, str) else []
    text = _text(item)
    content = Content.TEXT if text else Content.MEDIA if item.get("content") else Content.DELETED
    return Message(
        str(item.get("sender_full_name") or "?"),
        text,
        line,
        epoch_time(item.get("timestamp")),
        content if item.get("sender_realm_str") != "zulipinternal" else Content.NOTE,
        ", ".join(str(part) for part in chat if part) or f"{item.get('recipient_id') or ''}",
        str(item.get("id") or ""),
    )


def _text(item: JsonObject) -> str:
    written = str(item.get("content") or "")
    if item.get("content_type", "text/html") != "text/html":
        return written.strip()
    pages = elements([(1, f"<div>{written}</div>")], lambda _: True)
    return "\n".join(page.text(without=lambda part: part.tag in QUOTATIONS) for page in pages).strip()


FORMAT = ChatFormat("zulip", "Zulip's messages (JSON)", read, looks_like, is_json=True, is_text=False)
