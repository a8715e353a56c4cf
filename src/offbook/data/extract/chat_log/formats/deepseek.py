"""Talks with DeepSeek and Kimi as their pages fetch them, shared ones too (JSON)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import head, is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.times import any_time
from offbook.data.extract.cue import Lines

SPEAKERS = ("user", "assistant")
SAID = ("REQUEST", "RESPONSE")
OF_DEEPSEEK, OF_KIMI = frozenset(["chat_messages", "message_id", "role"]), frozenset(["items", "role", "created_at"])


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a talk. The two sides are called `user` and `assistant`; thoughts are no part of an answer.

    Raises:
        ParseError: the JSON is malformed.
    """
    key = "chat_messages" if "chat_messages" in json_keys(head(lines, 800)) else "items"
    items = [(line, item) for line, item, _ in read_messages(lines, key)]
    yield from in_order(_message(line, item) for line, item in _branch(items))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a talk: 0 or 1."""
    keys = json_keys(sample) if is_json(sample) else frozenset()
    return float(keys >= OF_DEEPSEEK or (keys >= OF_KIMI and bool(keys & {"content", "contents"})))


def _branch(items: list[tuple[int, JsonObject]]) -> list[tuple[int, JsonObject]]:
    """The messages from the first to the last one: an answer may have been asked for again."""
    by_id = {item["message_id"]: (line, item) for line, item in items if isinstance(item.get("message_id"), int)}
    if len(by_id) < len(items) or not by_id:
        return items
    path: list[tuple[int, JsonObject]] = []
    at: Any = max(by_id)
    while isinstance(at, int) and at in by_id and len(path) < len(items):
        path.append(by_id[at])
        at = by_id[at][1].get("parent_id")
    return path[::-1]


def _message(line: int, item: JsonObject) -> Message:
    role = str(item.get("role") or "").casefold()
    fragments = item.get("fragments")
    parts = [part for part in (fragments if isinstance(fragments, list) else ()) if isinstance(part, dict)]
    answer = "\n".join(str(part.get("content") or "") for part in parts if part.get("type") in SAID)
    text = (str(item.get("content") or "") or answer).strip()
    is_said = role in SPEAKERS and bool(text)
    sent_at = any_time(item.get("inserted_at") or item.get("created_at"))
    return Message(role if is_said else "", text, line, sent_at, Content.TEXT if is_said else Content.NOTE)


FORMAT = ChatFormat(
    "deepseek",
    "talks with DeepSeek and Kimi as their pages fetch them (JSON)",
    read,
    looks_like,
    is_json=True,
    is_text=False,
)
