"""LM Studio's conversations (NAME.conversation.json): messages with their versions, of which one is selected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.cue import Lines


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a conversation. The two sides are called `user` and `assistant`.

    Raises:
        ParseError: the JSON is malformed.
    """
    for line, item, _ in read_messages(lines):
        version = _selected(item)
        role = str(version.get("role") or "?")
        pieces = [piece for block in _blocks(version) for piece in _objects(block.get("content"))]
        text = "\n".join(str(piece.get("text") or "") for piece in pieces if piece.get("type") == "text").strip()
        content = Content.TEXT if text else Content.MEDIA if pieces else Content.NOTE
        yield Message(role, text, line, None, Content.NOTE if role == "system" else content)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a conversation: 0 or 1."""
    keys = json_keys(sample) if is_json(sample) else frozenset()
    return float(keys >= {"messages", "versions", "currentlySelected"})


def _selected(item: JsonObject) -> JsonObject:
    """The version of a message that was kept; the last where that is not told."""
    versions = _objects(item.get("versions"))
    at = item.get("currentlySelected")
    return versions[at if isinstance(at, int) and -len(versions) <= at < len(versions) else -1] if versions else {}


def _blocks(version: JsonObject) -> list[JsonObject]:
    """What holds the words of a version: itself, or its steps without what the model thinks."""
    if "steps" not in version:
        return [version]
    steps = [step for step in _objects(version["steps"]) if step.get("type") == "contentBlock"]
    return [step for step in steps if not _is_thinking(step.get("style"))]


def _is_thinking(style: object) -> bool:
    return isinstance(style, dict) and style.get("type") == "thinking"


def _objects(values: object) -> list[JsonObject]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


FORMAT = ChatFormat("lmstudio", "LM Studio's conversations (JSON)", read, looks_like, is_json=True, is_text=False)
