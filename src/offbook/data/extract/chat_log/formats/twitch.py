"""The chat of a Twitch video as TwitchDownloader saves it (JSON), `{"streamer": …, "comments": […]}`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import iso_time
from offbook.data.extract.cue import Lines


def read(lines: Lines) -> Iterator[Message]:
    """The comments, as they were written.

    Raises:
        ParseError: the JSON is malformed.
    """
    return (_message(line, item) for line, item, _ in read_messages(lines, "comments"))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a Twitch chat: 0 or 1."""
    keys = json_keys(sample) if is_json(sample) else frozenset()
    return float(keys >= {"comments", "commenter", "content_offset_seconds", "body"})


def _message(line: int, item: JsonObject) -> Message:
    author, message = item.get("commenter"), item.get("message")
    author, message = (each if isinstance(each, dict) else {} for each in (author, message))
    text = str(message.get("body") or "").strip()
    notice = message.get("user_notice_params")
    is_notice = isinstance(notice, dict) and bool(notice.get("msg_id"))
    return Message(
        str(author.get("display_name") or author.get("name") or "?"),
        text,
        line,
        iso_time(item.get("created_at")),
        Content.NOTE if is_notice or not text else Content.TEXT,
        id=str(item.get("_id") or ""),
    )


FORMAT = ChatFormat("twitch", "TwitchDownloader's chat (JSON)", read, looks_like, is_json=True, is_text=False)
