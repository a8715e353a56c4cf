"""ChatGPT's and DeepSeek's conversations.json: each conversation is a tree of messages.

The branch that was seen last is read; where that is not told, the one that ends with the last message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import epoch_time, iso_time
from offbook.data.extract.cue import Lines

SPEAKERS = ("user", "assistant")
TEXTS = ("text", "multimodal_text")
FRAGMENTS = {"REQUEST": "user", "RESPONSE": "assistant"}
"""The parts of a message of DeepSeek's that are said, and by whom."""
CITATION = re.compile(r"[ \t]?(?:\ue200[^\ue200\ue201]{0,400}\ue201|【\d{1,4}(?::\d{1,4})?†[^【】\n]{0,200}】)")
"""What its page shows as a link to a source."""


def read(lines: Lines) -> Iterator[Message]:
    """The messages of all conversations. The two sides are called `user` and `assistant`.

    Raises:
        ParseError: the JSON is malformed.
    """
    for number, (line, item, _) in enumerate(read_messages(lines, "conversations"), 1):
        chat = f"{item.get('title') or 'conversation'} ({number})"
        yield from (message for node in _branch(item) if (message := _message(node, line, chat)))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such conversations: 0 or 1."""
    keys = json_keys(sample) if is_json(sample) else frozenset()
    return float(keys >= {"mapping", "author", "parent"} or keys >= {"mapping", "fragments", "parent"})


def _branch(conversation: JsonObject) -> list[JsonObject]:
    """The nodes from the first message to the one that was seen last; where that is not told, all in their order."""
    nodes = conversation.get("mapping")
    nodes = nodes if isinstance(nodes, dict) else {}
    at: Any = conversation.get("current_node") or ("root" in nodes and next(reversed(nodes)))
    path: list[JsonObject] = []
    while isinstance(at, str) and isinstance(node := nodes.get(at), dict) and len(path) <= len(nodes):
        path.append(node)
        at = node.get("parent")
    return path[::-1] or [node for node in nodes.values() if isinstance(node, dict)]


def _message(node: JsonObject, line: int, chat: str) -> Message | None:
    message = node.get("message")
    if not isinstance(message, dict):
        return None
    if isinstance(fragments := message.get("fragments"), list):
        return _fragments(message, [part for part in fragments if isinstance(part, dict)], line, chat)
    author, body = message.get("author"), message.get("content")
    role = str(author.get("role") or "") if isinstance(author, dict) else ""
    body = body if isinstance(body, dict) else {}
    parts = body.get("parts")
    texts = [part for part in parts if isinstance(part, str)] if isinstance(parts, list) else []
    text = CITATION.sub("", "\n".join(texts)).strip()
    content = Content.TEXT
    if role not in SPEAKERS or body.get("content_type") not in TEXTS:
        content = Content.NOTE
    elif role == "assistant" and message.get("recipient") not in (None, "all"):
        content = Content.NOTE  # what it writes to one of its tools
    elif not text:
        content = Content.MEDIA if isinstance(parts, list) and any(parts) else Content.NOTE
    sender = role if role in SPEAKERS else ""
    return Message(
        sender, text, line, epoch_time(message.get("create_time")), content, chat, str(message.get("id") or "")
    )


def _fragments(message: JsonObject, fragments: Sequence[JsonObject], line: int, chat: str) -> Message:
    """A message of DeepSeek's, without what it thinks and searches."""
    parts = [part for part in fragments if part.get("type") in FRAGMENTS]
    text = "\n".join(str(part.get("content") or "") for part in parts).strip()
    sender = FRAGMENTS[parts[0]["type"]] if parts else ""
    return Message(
        sender, text, line, iso_time(message.get("inserted_at")), Content.TEXT if text else Content.NOTE, chat
    )


FORMAT = ChatFormat(
    "chatgpt", "ChatGPT's and DeepSeek's conversations.json", read, looks_like, is_json=True, is_text=False
)
