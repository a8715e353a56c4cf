"""Signal through signal-export (chat.md, data.json) or sigtop (text, JSON).

[2021-05-12, 21:30] Ann: Is the lamp lit?            signal-export
From: Ann / Sent: Wed, 12 May 2021 21:30:42 +0200    sigtop: headers, a blank line, the text

sigtop's JSON names nobody; the other side of a chat of two stands in the file's name: Ann (+4791000000).json
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from offbook.data.extract.chat_log.json_stream import JsonObject, read_json_lines, read_messages
from offbook.data.extract.chat_log.lines import entries, head, is_json, json_keys, share
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.quotations import Quotations
from offbook.data.extract.chat_log.times import any_time, iso_time, spelled_time
from offbook.data.extract.cue import Lines

HEADER = re.compile(
    r"^\[(?P<date>\d{4}-\d{2}-\d{2}),? (?P<clock>\d{2}:\d{2}(?::\d{2})?)\] (?P<name>[^:\n]{1,200}?): ?(?P<text>.*)$"
)
SIGTOP_KEYS = frozenset(["conversationId", "sent_at", "body", "type"])
SOURCES = ("source", "sourceServiceId", "sourceUuid")
NUMBER = re.compile(r"\s*\([^()]*\)$")
ME = "Me"
FROM = re.compile(r"^From: (?P<name>.+?)(?: \(\+?\d+\))?$")
FIELD = re.compile(r"^(?P<field>Type|Sent|Received|To|Attachment|Quote|Reaction|Edited|Version): (?P<value>.*)$")
ATTACHMENT = re.compile(r"^!?\[[^\]\n]*\]\([^()\n]+\)\s*$", re.MULTILINE)
REACTIONS = re.compile(r"\n?\(- .* -\)\s*$")
QUOTE = re.compile(r"\A(?:\s*>[^\n]*\n?)+")
QUOTE_MARK = re.compile(r"^\s*>\s?", re.MULTILINE)
CALL = re.compile(r"(?:Missed |Incoming |Outgoing |Declined )?(?:voice|video|group) call", re.IGNORECASE)


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a Signal export.

    Raises:
        ParseError: a line of data.json is malformed.
    """
    first = head(lines)
    if is_json(first):
        if json_keys(first) >= SIGTOP_KEYS:
            return _from_sigtop(lines)
        return (_from_json(line, item) for line, item in read_json_lines(lines))
    return _from_headers(lines) if _has_headers(first) else _from_text(lines)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a Signal export: 0 or 1, or half of its lines where WhatsApp's may look the same."""
    if is_json(sample):
        keys = json_keys(sample)
        return float(keys >= {"date", "sender", "body", "attachments"} or keys >= SIGTOP_KEYS)
    lines = share(sample, HEADER)
    # An iPhone in Swedish or Canadian writes the same brackets; but only signal-export calls the user so.
    is_mine = any((header := HEADER.match(line)) and header["name"] == ME for line in sample)
    return float(_has_headers(sample) or (lines > 0.3 and is_mine)) or lines / 2


def _has_headers(sample: Sequence[str]) -> bool:
    begins = sum(bool(FROM.match(line)) for line in sample)
    return begins > 1 and sum(line.startswith("Sent: ") for line in sample) >= begins - 1


def _from_json(line: int, item: JsonObject) -> Message:
    text = str(item.get("body") or "")
    text = QUOTE.sub("", ATTACHMENT.sub("", text)).strip()
    content = Content.TEXT
    if not text:
        attached, sticker = item.get("attachments"), item.get("sticker")
        content = Content.MEDIA if attached else Content.STICKER if sticker else Content.NOTE
    elif CALL.fullmatch(text):
        content = Content.CALL
    return Message(str(item.get("sender") or "?"), text, line, any_time(item.get("date")), content)


def _from_sigtop(lines: Lines) -> Iterator[Message]:
    sources = {_source(item) for _, item, _ in read_messages(lines) if item.get("type") == "incoming"}
    contact = NUMBER.sub("", Path(getattr(lines, "path", "")).stem) if len(sources) == 1 else ""
    for line, item, _ in read_messages(lines):
        text = str(item.get("body") or "").strip()
        content = Content.TEXT if text else Content.STICKER if item.get("sticker") else Content.MEDIA
        if item.get("type") not in ("incoming", "outgoing"):
            content = Content.CALL if item.get("type") == "call-history" else Content.NOTE
        elif item.get("deletedForEveryone"):
            content = Content.DELETED
        sender = contact or _source(item) if item.get("type") == "incoming" else ME
        quote = item.get("quote")
        reply_to = str(quote.get("id") or "") if isinstance(quote, dict) else ""
        sent_at = item.get("sent_at")
        yield Message(sender, text, line, any_time(sent_at), content, id=str(sent_at or ""), reply_to=reply_to)


def _source(item: JsonObject) -> str:
    return next((str(item[key]) for key in SOURCES if item.get(key)), "?")


def _from_text(lines: Lines) -> Iterator[Message]:
    earlier = Quotations()
    for line, header, more in entries(lines, HEADER):
        body = "\n".join([header["text"], *more])
        body = REACTIONS.sub("", body.rstrip())
        written = ATTACHMENT.sub("", body)
        quotation = QUOTE.match(written)
        text = QUOTE.sub("", written).strip()
        content = Content.CALL if CALL.fullmatch(text) else Content.TEXT
        if not text:
            content = Content.MEDIA if ATTACHMENT.search(body) else Content.NOTE
        sent_at = iso_time(f"{header['date']} {header['clock']}")
        reply_to = earlier.find(QUOTE_MARK.sub("", quotation[0])) if quotation else ""
        earlier.remember(text, str(line))
        yield Message(header["name"].strip(), text, line, sent_at, content, id=str(line), reply_to=reply_to)


def _from_headers(lines: Lines) -> Iterator[Message]:
    for line, header, more in entries(lines, FROM):
        fields: dict[str, str] = {}
        rest = iter(more)
        for text in rest:
            field = FIELD.match(text)
            if field is None:
                break
            fields[field["field"]] = field["value"]
        text = QUOTE.sub("", "\n".join(rest).strip() + "\n").strip()
        content = Content.TEXT if text else Content.MEDIA if "Attachment" in fields else Content.NOTE
        yield Message(header["name"], text, line, spelled_time(fields.get("Sent", "")), content)


FORMAT = ChatFormat("signal", "Signal through signal-export or sigtop", read, looks_like, is_json=True)
