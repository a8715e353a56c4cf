"""RisuAI's chats, one (`risuChat`) or all of a character's (`risuAllChats`), as JSON.

The character's name stands in the file's name alone: Mara_2024-05-01T213042123Z_chat.json
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import any_time
from offbook.data.extract.cue import Lines

USER, CHARACTER = "User", "Character"
"""What the two sides are called where nothing names them."""
FILE_NAME = re.compile(r"(?P<name>.+?)_\d{4}-\d{2}-\d{2}T\d{6,9}Z_(?:chat|all_chats?)", re.IGNORECASE)
TYPE = re.compile(r'"type"\s*:\s*"risu(?:All)?Chats?"')


def read(lines: Lines) -> Iterator[Message]:
    """The messages of such chats; each chat begins anew.

    Raises:
        ParseError: the JSON is malformed.
    """
    match = FILE_NAME.match(Path(getattr(lines, "path", "")).stem)
    character = match["name"] if match else CHARACTER
    speakers = {str(item.get("saying")) for _, item, _ in read_messages(lines, "message") if item.get("saying")}
    chats: dict[str, int] = {}
    for line, item, preamble in read_messages(lines, "message"):
        number = chats.setdefault(preamble, len(chats) + 1)
        name = character if len(speakers) < 2 else str(item.get("saying") or character)  # in a group each has a number
        yield _message(line, item, name, f"chat {number}")


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like RisuAI's chats: 0 or 1."""
    return float(
        is_json(sample) and TYPE.search("\n".join(sample[:10])[:4000]) is not None and "data" in json_keys(sample)
    )


def _message(line: int, item: JsonObject, character: str, chat: str) -> Message:
    text = str(item.get("data") or "")
    sender = str(item.get("name") or (USER if item.get("role") == "user" else character))
    content = Content.NOTE if item.get("isComment") or not text.strip() else Content.TEXT
    return Message(sender, text, line, any_time(item.get("time")), content, chat)


FORMAT = ChatFormat("risuai", "RisuAI's chats (JSON)", read, looks_like, is_json=True, is_text=False)
