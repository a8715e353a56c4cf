"""GroupMe's export: message.json, a list with the newest message first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import first_keys, is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.times import epoch_time
from offbook.data.extract.cue import Lines

MEDIA = ("image", "linked_image", "video", "file", "location", "poll", "event", "copilot")


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a group or a direct chat, oldest first.

    Raises:
        ParseError: the JSON is malformed.
    """
    return in_order(_message(line, item) for line, item, _ in read_messages(lines))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like GroupMe's export: 0 or 1."""
    keys = (first_keys(sample) or json_keys(sample)) if is_json(sample) else frozenset()
    return float(keys >= {"created_at", "name", "text", "sender_type"})


def _message(line: int, item: JsonObject) -> Message:
    listed = item.get("attachments")
    attachments = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    text = str(item.get("text") or "").strip()
    answered = (str(each.get("reply_id") or "") for each in attachments if each.get("type") == "reply")
    return Message(
        str(item.get("name") or "?"),
        text,
        line,
        epoch_time(item.get("created_at")),
        _content(item, text, {str(each.get("type")) for each in attachments}),
        str(item.get("group_id") or item.get("conversation_id") or ""),
        str(item.get("id") or ""),
        next(answered, ""),
    )


def _content(item: JsonObject, text: str, attached: set[str]) -> Content:
    if item.get("system") or item.get("sender_type") == "system":
        return Content.NOTE
    if item.get("deleted_at"):
        return Content.DELETED
    if text:
        return Content.STICKER if attached == {"emoji"} and text == "\ufffd" else Content.TEXT
    return Content.MEDIA if attached & set(MEDIA) else Content.NOTE


FORMAT = ChatFormat("groupme", "GroupMe's message.json", read, looks_like, is_json=True, is_text=False)
