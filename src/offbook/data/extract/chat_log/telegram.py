"""Telegram Desktop's "Export chat history" as JSON (result.json), of one chat or of all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from offbook.data.extract.chat_log.chat import Message, iso_time, to_cues
from offbook.data.extract.chat_log.json_messages import read_messages
from offbook.data.extract.cue import Cue, Lines, Skipped


def read(lines: Lines) -> Iterator[Cue | Skipped]:
    """The messages of a Telegram export.

    Raises:
        Damaged: the JSON is malformed.
    """
    return to_cues(_message(line, item) for line, item in read_messages(lines))


def looks_like(sample: list[str]) -> float:
    """How much a text looks like a Telegram export: 0 or 1."""
    text = "\n".join(sample[:400])[:20000]
    return float(
        (text.lstrip()[:1] == "{" and '"messages"' in text and '"from_id"' in text) or '"personal_chat"' in text
    )


def _message(line: int, item: dict[str, Any]) -> Message:
    sender = str(item.get("from") or item.get("from_id") or item.get("actor") or "?")
    text, when = _text(item.get("text")), iso_time(item.get("date"))
    if item.get("type") != "message":
        return Message(sender, text or str(item.get("action", "")), line, when, "picture, file or note of the app")
    if "forwarded_from" in item:
        return Message(sender, text, line, when, "forwarded from others")
    return Message(sender, text, line, when, "" if text else "picture, file or note of the app")


def _text(value: Any) -> str:
    """A text, or its pieces: plain strings and objects for links, bold and the like."""
    if isinstance(value, list):
        return "".join(_text(piece.get("text")) if isinstance(piece, dict) else _text(piece) for piece in value)
    return value if isinstance(value, str) else ""
