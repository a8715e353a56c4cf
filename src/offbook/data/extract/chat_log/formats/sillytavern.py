"""SillyTavern's chats: JSON Lines, the head first; of each message the shown alternative is read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_json_lines
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import any_time
from offbook.data.extract.cue import Lines

CLOCK_WITH_LETTERS = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2}) ?@ ?(\d{1,2})h ?(\d{1,2})m(?: ?(\d{1,2})s)?.*")
"""How it wrote times once: 2023-5-12 @21h 30m 05s 100ms."""
GLUED_HALF = re.compile(r"(?<=\d)(?=[ap]m$)", re.IGNORECASE)


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a SillyTavern chat.

    Raises:
        ParseError: a line is malformed.
    """
    for line, item in read_json_lines(lines):
        if "mes" in item:
            yield _message(line, item)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a SillyTavern chat: 0 or 1."""
    keys = json_keys(sample) if is_json(sample) else frozenset()
    return float(keys >= {"mes", "is_user", "name"})


def _message(line: int, item: JsonObject) -> Message:
    text = str(item.get("mes") or "")
    time = str(item.get("send_date") or "")
    if parts := CLOCK_WITH_LETTERS.fullmatch(time):
        time = "{}-{:0>2}-{:0>2} {:0>2}:{:0>2}:{:0>2}".format(*parts.groups(default="0"))
    sent_at = any_time(GLUED_HALF.sub(" ", time))
    is_left = item.get("is_system") or item.get("is_main") is False  # Chub keeps what its user swiped away
    content = Content.NOTE if is_left or not text.strip() else Content.TEXT
    return Message(str(item.get("name") or "?"), text, line, sent_at, content)


FORMAT = ChatFormat("sillytavern", "SillyTavern's chats (JSONL)", read, looks_like, is_json=True, is_text=False)
