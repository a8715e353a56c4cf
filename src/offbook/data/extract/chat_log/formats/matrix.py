"""Matrix rooms as Element exports them in JSON: the events of a room, as the protocol has them.

Source: the Matrix specification's m.room.message, https://spec.matrix.org/latest/client-server-api/#instant-messaging
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import epoch_time
from offbook.data.extract.cue import Lines

FALLBACK = re.compile(r"\A(?:> [^\n]*\n)+\n")
"""What is answered, quoted at the head of an answer."""
TEXTS = ("m.text", "m.emote")


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a room. An edited message counts as it was first written.

    Raises:
        ParseError: the JSON is malformed.
    """
    names: dict[str, str] = {}
    for line, item, _ in read_messages(lines):
        body = item.get("content")
        body = body if isinstance(body, dict) else {}
        sender = str(item.get("sender") or "?")
        if item.get("type") == "m.room.member" and body.get("displayname"):
            names[str(item.get("state_key") or sender)] = str(body["displayname"])
        relation = body.get("m.relates_to")
        relation = relation if isinstance(relation, dict) else {}
        answered = relation.get("m.in_reply_to")
        text = str(body.get("body") or "")
        yield Message(
            names.get(sender, sender.removeprefix("@").split(":")[0] or "?"),
            FALLBACK.sub("", text).strip(),
            line,
            epoch_time(item.get("origin_server_ts")),
            _content(item, body, relation),
            id=str(item.get("event_id") or ""),
            reply_to=str(answered.get("event_id") or "") if isinstance(answered, dict) else "",
        )


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a room that Element exported: 0 or 1."""
    keys = json_keys(sample) if is_json(sample) else frozenset()
    return float(keys >= {"messages", "origin_server_ts", "sender"})


def _content(item: JsonObject, body: JsonObject, relation: JsonObject) -> Content:
    kind = item.get("type")
    if kind == "m.sticker" or kind == "m.reaction":
        return Content.STICKER
    if kind in ("m.call.invite", "m.call.hangup"):
        return Content.CALL
    if kind != "m.room.message" or relation.get("rel_type") == "m.replace":
        return Content.NOTE
    if not body:
        return Content.DELETED
    return Content.TEXT if body.get("msgtype") in TEXTS else Content.MEDIA


FORMAT = ChatFormat(
    "matrix", "a Matrix room as Element exports it (JSON)", read, looks_like, is_json=True, is_text=False
)
