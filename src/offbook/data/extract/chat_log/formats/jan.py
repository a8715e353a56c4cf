"""Jan's threads (messages.jsonl), which hold messages as OpenAI's assistants do, and Le Chat's: one object for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_json_lines, read_messages
from offbook.data.extract.chat_log.lines import first_keys, head, is_json
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import any_time
from offbook.data.extract.cue import Lines

FIELDS = frozenset(["object", "thread_id", "role", "content"])
OF_LE_CHAT = frozenset(["chatId", "role", "content", "createdAt"])


def read(lines: Lines) -> Iterator[Message]:
    """The messages of threads. The two sides are called `user` and `assistant`.

    Raises:
        ParseError: the JSON is malformed.
    """
    is_list = "".join(head(lines, 20)).lstrip("\ufeff \t\n").startswith("[")
    items = ((line, item) for line, item, _ in read_messages(lines)) if is_list else read_json_lines(lines)
    for line, item in items:
        yield _message(line, item)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a thread: 0 or 1."""
    keys = first_keys(sample) if is_json(sample) else frozenset()
    return float(keys >= FIELDS or keys >= OF_LE_CHAT)


def _message(line: int, item: JsonObject) -> Message:
    role = str(item.get("role") or "?")
    pieces = item.get("content")
    texts = [
        str(piece["text"].get("value") or "")
        for piece in (pieces if isinstance(pieces, list) else ())
        if isinstance(piece, dict) and isinstance(piece.get("text"), dict) and piece.get("type") == "text"
    ]
    text = (pieces if isinstance(pieces, str) else "\n".join(texts)).strip()
    content = Content.TEXT if text else Content.MEDIA if pieces else Content.NOTE
    sent_at = any_time(item.get("created_at") or item.get("createdAt"))
    chat = str(item.get("thread_id") or item.get("chatId") or "")
    return Message(role, text, line, sent_at, Content.NOTE if role == "system" else content, chat)


FORMAT = ChatFormat(
    "jan", "Jan's threads (messages.jsonl), Le Chat's chats", read, looks_like, is_json=True, is_text=False
)
