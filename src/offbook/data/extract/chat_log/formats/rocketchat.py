"""Rocket.Chat's messages as its API gives them: `messages`, the newest first.

{"messages": [{"_id": "a", "rid": "G", "msg": "Lit?", "ts": "2021-05-12T21:30:05.000Z", "u": {"username": "ann"}}]}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.times import epoch_time, iso_time
from offbook.data.extract.cue import Lines

QUOTATION = re.compile(r"\A\s*\[ ?\]\(\S*?[?&]msg=(?P<id>\w+)\S*?\)\s*")
"""What stands before a message that quotes another: a link without words."""
REMOVED = "rm"
CALLS = ("videoconf", "jitsi_call_started")


def read(lines: Lines) -> Iterator[Message]:
    """The messages, oldest first.

    Raises:
        ParseError: the JSON is malformed.
    """
    return in_order(_message(line, item) for line, item, _ in read_messages(lines))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like Rocket.Chat's messages: 0 or 1."""
    return float(is_json(sample) and json_keys(sample) >= {"messages", "rid", "msg", "ts", "u"})


def _message(line: int, item: JsonObject) -> Message:
    text = str(item.get("msg") or "")
    quotation = QUOTATION.match(text)
    answered = quotation["id"] if quotation else str(item.get("tmid") or "")
    text = text[quotation.end() :] if quotation else text
    sent = item.get("ts")
    sent_at = epoch_time(sent.get("$date")) or iso_time(sent.get("$date")) if isinstance(sent, dict) else iso_time(sent)
    mentions = item.get("mentions")
    return Message(
        _name(item.get("u")) or "?",
        text.strip(),
        line,
        sent_at,
        _content(item, text),
        str(item.get("rid") or ""),
        str(item.get("_id") or ""),
        answered,
        tuple(filter(None, map(_name, mentions if isinstance(mentions, list) else ()))),
    )


def _name(person: object) -> str:
    return str(person.get("name") or person.get("username") or "") if isinstance(person, dict) else ""


def _content(item: JsonObject, text: str) -> Content:
    kind = item.get("t")
    if kind:
        return Content.DELETED if kind == REMOVED else Content.CALL if kind in CALLS else Content.NOTE
    return Content.TEXT if text.strip() else Content.MEDIA


FORMAT = ChatFormat(
    "rocketchat", "Rocket.Chat's messages from its API (JSON)", read, looks_like, is_json=True, is_text=False
)
