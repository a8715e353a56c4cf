"""Google Hangouts as Google Takeout gives it: Hangouts.json, which holds all conversations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from offbook.data.extract.chat_log.json_stream import DECODER, JsonObject, read_messages, string_in
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.times import epoch_time
from offbook.data.extract.cue import Lines

PARTICIPANTS = re.compile(r'"participant_data"\s*:\s*(?=\[)')
MICROSECONDS = 1_000_000


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a Hangouts download, conversation by conversation.

    Raises:
        ParseError: the JSON is malformed.
    """
    return in_order(_message(line, item, head) for line, item, head in read_messages(lines, "events"))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a Hangouts download: 0 or 1."""
    keys = json_keys(sample) if is_json(sample) else frozenset()
    return float(keys >= {"conversations", "participant_data"})


@lru_cache(maxsize=1)
def _conversation(head: str) -> tuple[str, dict[str, str]]:
    """The name of a conversation, and number of an account → name, as what stands before its messages tells them."""
    match = PARTICIPANTS.search(head)
    try:
        people = DECODER.raw_decode(head, match.end())[0] if match else []
    except ValueError:
        people = []
    named = [each for each in people if isinstance(each, dict) and isinstance(each.get("id"), dict)]
    names = {str(each["id"].get("gaia_id")): str(each["fallback_name"]) for each in named if each.get("fallback_name")}
    return string_in(head, "name"), names


def _message(line: int, item: JsonObject, head: str) -> Message:
    chat, people = _conversation(head)
    account = str(_object(item, "sender_id").get("gaia_id") or "?")
    written = _object(_object(item, "chat_message"), "message_content")
    listed = written.get("segment")
    pieces = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    text = "".join("\n" if each.get("type") == "LINE_BREAK" else str(each.get("text") or "") for each in pieces).strip()
    content = Content.TEXT if text else Content.MEDIA if written.get("attachment") else Content.NOTE
    if item.get("event_type") == "HANGOUT_EVENT":
        content = Content.CALL
    microseconds = str(item.get("timestamp") or "")
    return Message(
        people.get(account, account),
        text or str(item.get("event_type") or ""),
        line,
        epoch_time(int(microseconds) / MICROSECONDS) if microseconds.isdecimal() else None,
        content,
        chat or str(_object(item, "conversation_id").get("id") or ""),
        str(item.get("event_id") or ""),
    )


def _object(item: JsonObject, key: str) -> JsonObject:
    value = item.get(key)
    return value if isinstance(value, dict) else {}


FORMAT = ChatFormat("hangouts", "Google Hangouts' Hangouts.json", read, looks_like, is_json=True, is_text=False)
