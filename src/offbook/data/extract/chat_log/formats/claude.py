"""Claude's conversations.json: a list of conversations, each with its `chat_messages`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import iso_time
from offbook.data.extract.cue import Lines

ROLES = {"human": "user", "assistant": "assistant"}


def read(lines: Lines) -> Iterator[Message]:
    """The messages of all conversations. The two sides are called `user` and `assistant`.

    Raises:
        ParseError: the JSON is malformed.
    """
    for number, (line, item, _) in enumerate(read_messages(lines, "conversations"), 1):
        messages = item.get("chat_messages")
        chat = f"{item.get('name') or 'conversation'} ({number})"
        for message in messages if isinstance(messages, list) else ():
            if isinstance(message, dict):
                yield _message(message, line, chat)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like Claude's conversations: 0 or 1."""
    keys = json_keys(sample) if is_json(sample) else frozenset()
    return float(keys >= {"chat_messages", "uuid"})


def _message(item: JsonObject, line: int, chat: str) -> Message:
    pieces = item.get("content")
    texts = [
        str(piece.get("text") or "")
        for piece in (pieces if isinstance(pieces, list) else ())
        if isinstance(piece, dict) and piece.get("type") == "text"
    ]
    text = "\n".join(filter(None, texts)).strip() or str(item.get("text") or "").strip()
    is_attached = bool(item.get("attachments") or item.get("files"))
    content = Content.TEXT if text else Content.MEDIA if is_attached else Content.NOTE
    sender = str(item.get("sender") or "?")
    return Message(
        ROLES.get(sender, sender),
        text,
        line,
        iso_time(item.get("created_at")),
        content,
        chat,
        str(item.get("uuid") or ""),
    )


FORMAT = ChatFormat("claude", "Claude's conversations.json", read, looks_like, is_json=True, is_text=False)
