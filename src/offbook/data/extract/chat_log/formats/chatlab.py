"""ChatLab's published exchange format, JSON and JSON Lines: whatever ChatLab reads, it brings here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from offbook.data.extract.chat_log.json_stream import JsonObject, read_json_lines, read_messages, string_in
from offbook.data.extract.chat_log.lines import head, is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.phrases import phrases
from offbook.data.extract.chat_log.times import epoch_time
from offbook.data.extract.cue import Lines

TYPES = {
    0: Content.TEXT, 1: Content.MEDIA, 2: Content.MEDIA, 3: Content.MEDIA, 4: Content.MEDIA, 5: Content.STICKER,
    7: Content.MEDIA, 8: Content.MEDIA, 20: Content.MEDIA, 21: Content.MEDIA, 22: Content.STICKER, 23: Content.CALL,
    24: Content.MEDIA, 25: Content.TEXT, 26: Content.FORWARDED, 27: Content.MEDIA, 80: Content.NOTE,
    81: Content.DELETED,
}  # fmt: skip
"""The format's numbers of what a message holds; 99 is anything else."""


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a ChatLab file.

    Raises:
        ParseError: the JSON is malformed.
    """
    names: dict[str, str] = {}
    if "_type" not in json_keys(head(lines, 5)):
        for line, item, preamble in read_messages(lines):
            names = names or _members(preamble)
            yield _message(line, item, string_in(preamble.partition('"members"')[0], "name"), names)
        return
    chat = ""
    for line, item in read_json_lines(lines):
        kind, meta = item.get("_type"), item.get("meta")
        if kind == "header" and isinstance(meta, dict):
            chat = str(meta.get("name") or "")
        elif kind == "member":
            names[str(item.get("platformId"))] = _name(item)
        elif kind == "message":
            yield _message(line, item, chat, names)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a ChatLab file: 0 or 1."""
    keys = json_keys(sample) if is_json(sample) else frozenset()
    return float("chatlab" in keys and bool(keys & {"messages", "_type"}))


def _name(item: JsonObject) -> str:
    return str(item.get("groupNickname") or item.get("accountName") or "")


def _members(preamble: str) -> dict[str, str]:
    """The members' names by their numbers, from the text above the messages."""
    begin = re.search(r'"members"\s*:\s*', preamble)
    try:
        members = json.JSONDecoder().raw_decode(preamble, begin.end())[0] if begin else []
    except (ValueError, RecursionError):
        return {}
    listed = members if isinstance(members, list) else []
    return {str(each.get("platformId")): _name(each) for each in listed if isinstance(each, dict)}


def _message(line: int, item: JsonObject, chat: str, names: dict[str, str]) -> Message:
    number = str(item.get("sender") or "?")
    # One account is one person: in a group its name may be another from message to message.
    sender = names.setdefault(number, _name(item) or number)
    text = str(item.get("content") or "")
    content = _content(item.get("type"))
    if content is Content.TEXT:
        content = phrases("wechat").content(text) if text else Content.NOTE
    return Message(
        sender,
        text,
        line,
        epoch_time(item.get("timestamp")),
        content,
        chat,
        str(item.get("platformMessageId") or ""),
        str(item.get("replyToMessageId") or ""),
    )


def _content(kind: Any) -> Content:
    return TYPES.get(kind, Content.MEDIA) if isinstance(kind, int) else Content.MEDIA


FORMAT = ChatFormat("chatlab", "ChatLab's format (JSON, JSONL)", read, looks_like, is_json=True, is_text=False)
