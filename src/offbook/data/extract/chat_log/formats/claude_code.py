"""Sessions of Claude Code and Codex, a line of JSON for each event: what was written, without tools and thoughts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from offbook.data.extract.chat_log.json_stream import JsonObject, read_json_lines
from offbook.data.extract.chat_log.lines import is_json
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import iso_time
from offbook.data.extract.cue import Lines

SPEAKERS = ("user", "assistant")
TEXTS = ("text", "input_text", "output_text")
OF_CLAUDE_CODE = re.compile(r'"sessionId"\s*:.*"message"\s*:|"message"\s*:.*"sessionId"\s*:')
OF_CODEX = re.compile(r'"type"\s*:\s*"session_meta"|"payload"\s*:\s*\{\s*"type"\s*:\s*"message"')
REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)
OF_THE_PROGRAM = re.compile(
    r"<(?:command-|local-command|bash-|environment_context|user_instructions|turn_aborted|permissions|task-notification)"
    r"|\[Request interrupted|# AGENTS\.md|Caveat: The messages below were"
)
"""How begins what stands as the user's and the program writes."""


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a session. The two sides are called `user` and `assistant`.

    Raises:
        ParseError: a line is no JSON.
    """
    for line, item in read_json_lines(lines):
        if message := _message(line, item):
            yield message


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a session: 0 or 1."""
    return float(is_json(sample) and any(map(_is_event, sample[:200])))


def _is_event(line: str) -> bool:
    return OF_CLAUDE_CODE.search(line) is not None or OF_CODEX.search(line) is not None


def _message(line: int, item: JsonObject) -> Message | None:
    body = item.get("payload") if item.get("type") == "response_item" else item.get("message")
    body = body if isinstance(body, dict) else {}
    role = str(body.get("role") or "")
    if role not in SPEAKERS:
        return None
    text = REMINDER.sub("", _text(body.get("content"))).strip()
    is_said = text and not (item.get("isMeta") or item.get("isSidechain"))
    is_said = is_said and not (role == "user" and OF_THE_PROGRAM.match(text))
    return Message(
        role if is_said else "",
        text,
        line,
        iso_time(item.get("timestamp")),
        Content.TEXT if is_said else Content.NOTE,
        str(item.get("sessionId") or ""),
    )


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    pieces = [piece for piece in value if isinstance(piece, dict)] if isinstance(value, list) else []
    return "\n".join(str(piece.get("text") or "") for piece in pieces if piece.get("type") in TEXTS)


FORMAT = ChatFormat(
    "claude_code", "Claude Code's and Codex's sessions (JSON Lines)", read, looks_like, is_json=True, is_text=False
)
