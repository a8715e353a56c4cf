"""Microsoft Teams: messages as Graph gives them (JSON), a list or `{"value": […]}`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.times import iso_time
from offbook.data.extract.chat_log.web_page import elements
from offbook.data.extract.cue import Lines

LISTS = "value"
LEFT_OUT = ("attachment", "blockquote")
"""Parts of a message's page that stand for what is attached to it or answered."""


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a chat or channel, oldest first.

    Raises:
        ParseError: the JSON is malformed.
    """
    return in_order(_message(line, item) for line, item, _ in read_messages(lines, LISTS))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like Graph's messages: 0 or 1."""
    keys = json_keys(sample) if is_json(sample) else frozenset()
    return float(keys >= {"createdDateTime", "messageType", "body", "contentType"})


def _message(line: int, item: JsonObject) -> Message:
    author, body = item.get("from"), item.get("body")
    people = [each for each in author.values() if isinstance(each, dict)] if isinstance(author, dict) else []
    name = next((str(each["displayName"]) for each in people if each.get("displayName")), "")
    body = body if isinstance(body, dict) else {}
    text = _text(body)
    listed = item.get("attachments")
    attachments = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    answered = (str(each.get("id") or "") for each in attachments if each.get("contentType") == "messageReference")
    content = Content.TEXT if text else Content.MEDIA if attachments or body.get("content") else Content.NOTE
    if item.get("deletedDateTime"):
        content = Content.DELETED
    elif item.get("messageType") != "message" or not name:
        content = Content.NOTE
    return Message(
        name,
        text,
        line,
        iso_time(item.get("createdDateTime")),
        content,
        str(item.get("chatId") or ""),
        str(item.get("id") or ""),
        next(answered, "") or str(item.get("replyToId") or ""),
    )


def _text(body: JsonObject) -> str:
    written = str(body.get("content") or "")
    if body.get("contentType") != "html":
        return written.strip()
    pages = elements([(1, f"<div>{written}</div>")], lambda _: True)
    return "\n".join(page.text(without=lambda part: part.tag in LEFT_OUT) for page in pages).strip()


FORMAT = ChatFormat(
    "teams", "Teams' messages as Graph gives them (JSON)", read, looks_like, is_json=True, is_text=False
)
