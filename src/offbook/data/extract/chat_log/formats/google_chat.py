"""Google Chat as Google Takeout gives it: messages.json, a file for each chat."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import spelled_time
from offbook.data.extract.cue import Lines

WEEKDAY = re.compile(r"^[^\W\d]+, ")


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a Google Chat download.

    Raises:
        ParseError: the JSON is malformed.
    """
    return (_message(line, item) for line, item, _ in read_messages(lines))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a Google Chat download: 0 or 1."""
    keys = json_keys(sample) if is_json(sample) else frozenset()
    return float(keys >= {"messages", "created_date"} and bool(keys & {"creator", "topic_id"}))


def _message(line: int, item: JsonObject) -> Message:
    creator, quoted = item.get("creator"), item.get("quoted_message_metadata")
    creator = creator if isinstance(creator, dict) else {}
    text = str(item.get("text") or "").strip()
    content = Content.TEXT if text else Content.MEDIA if item.get("attached_files") else Content.NOTE
    if item.get("message_state") == "DELETED" or "deletion_metadata" in item:
        content = Content.DELETED
    return Message(
        str(creator.get("name") or creator.get("email") or "?"),
        text,
        line,
        spelled_time(WEEKDAY.sub("", str(item.get("created_date") or "")).replace(" at ", " ")),
        content,
        id=str(item.get("message_id") or ""),
        reply_to=str(quoted.get("message_id") or "") if isinstance(quoted, dict) else "",
    )


FORMAT = ChatFormat("google_chat", "Google Chat's messages.json", read, looks_like, is_json=True, is_text=False)
