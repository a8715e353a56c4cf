"""Discord channels as DiscordChatExporter writes them in JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from offbook.data.extract.chat_log.chat import Message, iso_time, to_cues
from offbook.data.extract.chat_log.json_messages import read_messages
from offbook.data.extract.cue import Cue, Lines, Skipped


def read(lines: Lines) -> Iterator[Cue | Skipped]:
    """The messages of a Discord export.

    Raises:
        Damaged: the JSON is malformed.
    """
    return to_cues(_message(line, item) for line, item in read_messages(lines))


def looks_like(sample: list[str]) -> float:
    """How much a text looks like a Discord export: 0 or 1."""
    text = "\n".join(sample[:400])[:20000]
    return float(text.lstrip()[:1] == "{" and '"channel"' in text and ('"guild"' in text or '"isBot"' in text))


def _message(line: int, item: dict[str, Any]) -> Message:
    author = item.get("author")
    author = author if isinstance(author, dict) else {}
    sender = str(author.get("nickname") or author.get("name") or "?")
    content = item.get("content")
    text = content if isinstance(content, str) else ""
    when = iso_time(item.get("timestamp"))
    if item.get("type") not in ("Default", "Reply"):
        return Message(sender, text, line, when, "picture, file or note of the app")
    return Message(sender, text, line, when, "" if text else "picture, file or note of the app")
