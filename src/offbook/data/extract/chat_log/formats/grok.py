"""Grok's conversations as its "Download your data" gives them: prod-grok-backend.json."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import any_time
from offbook.data.extract.cue import Lines

KEYS = frozenset(["conversations", "responses", "response", "sender"])
HUMAN, SIDES = "human", ("user", "assistant")


def read(lines: Lines) -> Iterator[Message]:
    """The messages of all conversations. The two sides are called `user` and `assistant`.

    Raises:
        ParseError: the JSON is malformed.
    """
    for line, item, _ in read_messages(lines, "responses"):
        response = item.get("response")
        if isinstance(response, dict):
            yield _message(line, response)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such conversations: 0 or 1."""
    return float(is_json(sample) and json_keys(sample) >= KEYS)


def _message(line: int, response: JsonObject) -> Message:
    text = str(response.get("message") or "").strip()
    sender = SIDES[str(response.get("sender")).casefold() != HUMAN]
    time = response.get("create_time")
    while isinstance(time, dict):  # {"$date": {"$numberLong": "1747056600000"}}
        time = next(iter(time.values()), None)
    chat = str(response.get("conversation_id") or "")
    return Message(sender, text, line, any_time(time), Content.TEXT if text else Content.NOTE, chat)


FORMAT = ChatFormat("grok", "Grok's conversations (JSON)", read, looks_like, is_json=True, is_text=False)
