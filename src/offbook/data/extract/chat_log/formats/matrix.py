"""Matrix rooms as Element exports them: JSON (the events of a room, as the protocol has them), plain text, web pages.

5/12/2021, 9:30:42 PM - Ann: Is the lamp lit?
5/12/2021, 9:31:02 PM - Tom: <@ann:example.org "Is the lamp lit?"> Since four.

Source: the Matrix specification's m.room.message, https://spec.matrix.org/latest/client-server-api/#instant-messaging
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from offbook.data.extract.chat_log.formats import whatsapp
from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import head, is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.phrases import phrases
from offbook.data.extract.chat_log.quotations import Quotations
from offbook.data.extract.chat_log.times import CLOCK, at_clock, epoch_time, spelled_date
from offbook.data.extract.chat_log.web_page import Element, elements, is_page
from offbook.data.extract.cue import Lines

FALLBACK = re.compile(r"\A(?P<quoted>(?:> [^\n]*(?:\n|\Z))+)\n*")
"""What is answered, quoted at the head of an answer."""
QUOTED_LINE = re.compile(r"^> (?:\* )?(?:<@[^<>\s]+> ?)?", re.MULTILINE)
SHORTENED = re.compile(r'\A<@[^<>\s"]+:[^<>\s"]+(?: "(?P<quoted>[^\n]*?)")?> ')
"""The same as the plain text has it: the words cut to 32 characters."""
IN_TEXT = re.compile(r"[-\]:] [^:\n]{1,80}: (?:> (?:\* )?<@\S+:\S+>|<@[^<>\s\"]+:[^<>\s\"]+(?: \"[^\n]*\")?> )")
TEXTS = ("m.text", "m.emote")
TILE, DAY = "mx_EventTile", "mx_DateSeparator"
SENDERS = ("mx_DisambiguatedProfile_displayName", "mx_SenderProfile_displayName", "mx_SenderProfile")
NOTES = ("mx_TextualEvent", "mx_GenericEventListSummary", "mx_EventTileBubble")
MEDIA = ("mx_MImageBody", "mx_MFileBody", "mx_MVideoBody", "mx_MAudioBody", "mx_MVoiceMessageBody", "mx_MPollBody")


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a room. An edited message counts as it was first written.

    Raises:
        ParseError: the JSON is malformed, or a tag of the page does not end.
    """
    first = head(lines, 20)
    if is_json(first):
        return _from_json(lines)
    return _from_page(lines) if is_page("\n".join(first)) else _from_text(lines)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a room that Element exported: 0 or 1."""
    if is_page("\n".join(sample[:20])):
        return float(any(TILE in line for line in sample))
    if not is_json(sample):
        return float(whatsapp.looks_like(sample) > 0.2 and any(IN_TEXT.search(line) for line in sample))
    return float(json_keys(sample) >= {"messages", "origin_server_ts", "sender"})


def _from_json(lines: Lines) -> Iterator[Message]:
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


def _from_text(lines: Lines) -> Iterator[Message]:
    """The messages of the plain text; whom one answers is told by the words that it quotes."""
    earlier = Quotations()
    for message in whatsapp.read(lines):
        text, reply_to = message.text, ""
        if quotation := SHORTENED.match(text) or FALLBACK.match(text):
            text = text[quotation.end() :].strip()
            reply_to = earlier.find(QUOTED_LINE.sub("", quotation["quoted"] or ""))
        content = phrases("matrix").content(text)
        if message.content is not Content.TEXT or content is Content.TEXT:
            content = message.content
        if message.sender == "" and (sent := MEDIA_SENT.fullmatch(text)):
            yield message._replace(sender=sent["name"], content=Content.MEDIA)
            continue
        identity = str(message.line)
        earlier.remember(text, identity)
        yield message._replace(text=text, content=content if text else Content.NOTE, id=identity, reply_to=reply_to)


MEDIA_SENT = re.compile(
    r"(?P<name>.{1,80}?) (?:sent an image|sent a sticker|hat ein Bild gesendet|a envoyé une image|envió una imagen"
    r"|отправил\(?а?\)? изображение)\.?(?: \([^()]*\))?"
)
"""A picture: the one message that the text gives without a colon behind the name."""


def _from_page(lines: Lines) -> Iterator[Message]:
    day, name = None, "?"
    for element in elements(lines, lambda each: any(map(each.is_a, ("mx_Export_EventWrapper", TILE, DAY)))):
        if element.is_a(DAY):
            day = spelled_date(element.attributes.get("aria-label") or element.text())[0] or day
            continue
        sender = element.first(*SENDERS)
        name = sender.text() if sender else name
        yield _from_tile(element, name, day)


def _from_tile(element: Element, name: str, day: datetime | None) -> Message:
    stamp, reply = element.first("mx_MessageTimestamp"), element.first("mx_reply_anchor")
    clock = CLOCK.search(stamp.text()) if stamp else None
    sent_at = (
        at_clock(day, clock["hour"], clock["minute"], clock["second"], (clock["after"],)) if day and clock else None
    )
    body = element.first("mx_EventTile_body")
    text = body.text(without=lambda part: part.tag == "mx-reply" or part.is_a("mx_ReplyChain")) if body else ""
    text = FALLBACK.sub("", text).strip()
    content = Content.TEXT if text else Content.MEDIA if element.first(*MEDIA) else Content.NOTE
    if element.first(*NOTES) or element.is_a("mx_EventTile_info") or element.first("mx_EventTile_info"):
        content = Content.NOTE
    elif element.first("mx_RedactedBody"):
        content = Content.DELETED
    elif element.first("mx_MStickerBody"):
        content = Content.STICKER
    tile = element.first(TILE) or element
    identity = tile.attributes.get("data-event-id") or element.attributes.get("id", "")
    answered = reply.attributes.get("scroll-to", "") if reply else ""
    return Message(name, text, element.line, sent_at, content, id=identity, reply_to=answered)


FORMAT = ChatFormat(
    "matrix", "a Matrix room as Element exports it (JSON, text, HTML)", read, looks_like, is_json=True, is_page=True
)
