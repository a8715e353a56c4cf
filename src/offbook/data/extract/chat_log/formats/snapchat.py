"""Snapchat's chat_history.json of "My Data": a list for each friend or group, of older downloads one of what was sent.

{"odd.berg": [{"From": "mara", "Media Type": "TEXT", "Created": "2024-05-01 21:30:42 UTC", "Content": "Lit?", …}, …]}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import head, is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.times import UNDATED, any_time, epoch_time
from offbook.data.extract.cue import Lines

FRIEND = re.compile(r"[^\"\\\n]{1,120}")
KEY = re.compile(r'"([^"\\\n]+)"\s*:\s*\[\s*\Z')
ME = "Me"
KINDS = {"TEXT": Content.TEXT, "STICKER": Content.STICKER}
"""Of the media types that are no picture, voice message or shared story."""
NOTES = ("STATUS", "ERASEDSNAPMESSAGE", "ERASEDMESSAGE")
OLD = "Chat History"
CALLS = re.compile(r"CALL|TALK")


def read(lines: Lines) -> Iterator[Message]:
    """The messages, friend by friend, oldest first.

    Raises:
        ParseError: the JSON is malformed.
    """
    messages = (_message(line, item, preamble) for line, item, preamble in read_messages(lines, FRIEND))
    if f'{OLD}"' in "\n".join(head(lines)):  # what was sent and what was received are lists of their own
        listed = list(messages)
        listed.reverse()  # the newest stands first, also where two are of one second
        return iter(sorted(listed, key=lambda each: (each.chat, each.sent_at or UNDATED)))
    return in_order(messages)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like Snapchat's download: 0 or 1."""
    return float(is_json(sample) and json_keys(sample) >= {"Media Type", "Created"})


def _message(line: int, item: JsonObject, preamble: str) -> Message:
    key = KEY.search(preamble)
    owner = key[1] if key else ""
    to = str(item.get("To") or "")
    sender = str(item.get("From") or (ME if to or item.get("IsSender") else "?"))
    chat = str(item.get("Conversation Title") or "") or (owner if OLD not in owner else to or sender)
    text = str(item.get("Content") or item.get("Text") or "").strip()
    sent_at = epoch_time(item.get("Created(microseconds)")) or any_time(
        str(item.get("Created") or "").removesuffix(" UTC")
    )
    return Message(sender, text, line, sent_at, _content(str(item.get("Media Type") or "TEXT"), text), chat)


def _content(kind: str, text: str) -> Content:
    if kind in NOTES or kind.startswith("STATUS"):
        return Content.CALL if CALLS.search(kind) else Content.NOTE
    content = KINDS.get(kind, Content.MEDIA)
    return Content.DELETED if content is Content.TEXT and not text else content


FORMAT = ChatFormat("snapchat", "Snapchat's chat_history.json", read, looks_like, is_json=True, is_text=False)
