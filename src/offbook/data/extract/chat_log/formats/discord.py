"""Discord channels as DiscordChatExporter writes them: JSON, CSV, plain text or web pages; Discord's page itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from offbook.data.extract.chat_log.discord_web import is_saved, read_saved
from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import entries, head, is_json, json_keys, share, stand_above
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.phrases import phrases
from offbook.data.extract.chat_log.remnants import without_labels
from offbook.data.extract.chat_log.table_stream import columns, read_table
from offbook.data.extract.chat_log.times import DateOrder, any_time, is_american, iso_time, spelled_time
from offbook.data.extract.chat_log.web_page import Element, elements, is_page
from offbook.data.extract.cue import Lines

TABLE_COLUMNS = {"authorid", "author", "date", "content"}
HEADER = re.compile(r"^\[(?P<time>(?=[^\]\n]*\d{1,2}[:.]\d{2})[^\]\n]{8,40})\] (?P<name>.+?)(?P<pinned> \(pinned\))?$")
"""A time in any language's form, and a name."""
WEEKDAY = re.compile(r"^[^\W\d]{3,12},\s")
RULE = re.compile(r"^={20,}$")
BLOCK = re.compile(r"^\{(?P<kind>Attachments|Embed|Stickers|Reactions|Poll)\}$")
TEXT_TYPES = ("Default", "Reply")
PAGE = re.compile(r"\bchatlog__(?:message|author)")
PAGE_LINES = 3000
"""So many lines tell whose page it is; styles may stand above the first message."""
GROUPS = ("chatlog__message-group", "chatlog__message-container", "chatlog__message")
"""What holds messages, from without; older versions lack the inner ones."""
MEDIA_PARTS = ("chatlog__attachment", "chatlog__embed", "chatlog__forwarded")
ANSWERED = re.compile(r"scrollToMessage\(event, ?'?(\d+)")


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a Discord export.

    Raises:
        ParseError: the JSON or the table is malformed.
    """
    first = head(lines, 20)
    if is_json(first):
        return in_order(_from_json(line, item) for line, item, _ in read_messages(lines))
    if set(columns("".join(first[:1]))) >= TABLE_COLUMNS:
        return in_order(_from_row(line, row) for line, row in read_table(lines))
    if not is_page("\n".join(first)):
        return _from_text(lines)
    return read_saved(lines) if is_saved(head(lines, PAGE_LINES)) else _from_page(lines)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a Discord export: 0 or 1."""
    if is_json(sample):
        keys = json_keys(sample)
        return float("channel" in keys and bool(keys & {"guild", "isBot"}))
    if set(columns("".join(sample[:1]))) >= TABLE_COLUMNS:
        return 1.0
    if is_page("\n".join(sample[:20])):
        return float(any(PAGE.search(line) for line in sample) or is_saved(sample))
    begins = any(line.startswith(("Guild: ", "Channel: ")) for line in sample[:6])
    if share(sample, HEADER) > 0.05 and (begins or share(sample, RULE) > 0):
        return 1.0
    # A piece of such a log, or what is copied from Teams: no line has the text beside the name.
    texts = [line for line in sample if line.strip()]
    headers = [header for line in texts if (header := HEADER.match(line))]
    is_bare = len(headers) > 1 and not any(":" in header["name"] for header in headers)
    return min(0.9, 2 * len(headers) / len(texts)) if is_bare and stand_above(texts, HEADER) else 0.0


def _from_json(line: int, item: JsonObject) -> Message:
    text = str(item.get("content") or "")
    reference = item.get("reference")
    mentions = item.get("mentions")
    return Message(
        _name(item.get("author")) or "?",
        text,
        line,
        iso_time(item.get("timestamp")),
        _content(item, text),
        id=str(item.get("id", "")),
        reply_to=str(reference.get("messageId") or "") if isinstance(reference, dict) else "",
        mentions=tuple(filter(None, map(_name, mentions if isinstance(mentions, list) else ()))),
    )


def _name(person: object) -> str:
    return str(person.get("nickname") or person.get("name") or "") if isinstance(person, dict) else ""


def _content(item: JsonObject, text: str) -> Content:
    if item.get("type") == "Call":
        return Content.CALL
    if item.get("type") not in TEXT_TYPES:
        return Content.NOTE
    if text:
        return Content.TEXT
    return Content.STICKER if item.get("stickers") else Content.MEDIA


def _written_content(text: str, without_text: Content) -> Content:
    """What a message holds where no type tells it: the program writes Discord's own notes out as texts."""
    return phrases("discord").content(text) if text else without_text


def _from_row(line: int, row: dict[str, str]) -> Message:
    content = _written_content(row.get("content", "").strip(), Content.MEDIA)
    return Message(row.get("author") or "?", row.get("content", ""), line, any_time(row.get("date")), content)


def _from_text(lines: Lines) -> Iterator[Message]:
    order = DateOrder(is_american(head(lines)))
    for _, text in lines:
        numbers = re.match(r"\[(\d{1,2})[./](\d{1,2})[./]\d", text)
        if numbers and HEADER.match(text):
            order.add(numbers[1], numbers[2])
    for line, header, more in entries(lines, HEADER):
        body: list[str] = []
        kinds = set()
        for text in more:
            if RULE.match(text):
                break
            block = BLOCK.match(text.strip())
            if block:
                kinds.add(block["kind"])
            elif not kinds:
                body.append(text)
        written = without_labels("\n".join(body).rstrip()).strip()
        content = _written_content(written, Content.STICKER if kinds == {"Stickers"} else Content.MEDIA)
        sent_at = spelled_time(header["time"], order.month_first)
        yield Message(header["name"].strip(), written, line, sent_at, content)


def _from_page(lines: Lines) -> Iterator[Message]:
    """The messages of a page; those of a group are of one person, whom the first of them names."""
    name, sent_at = "?", None
    for group in elements(lines, lambda each: any(map(each.is_a, GROUPS))):
        messages = [each for each in (group, *group.within()) if each.is_a("chatlog__message")] or [group]
        for element in messages:
            author = element.first("chatlog__author", "chatlog__author-name", "chatlog__system-notification-author")
            author = author or (group.first("chatlog__author", "chatlog__author-name") if group is element else None)
            name = author.text() if author else name
            stamp = element.first(
                "chatlog__timestamp", "chatlog__short-timestamp", "chatlog__system-notification-timestamp"
            )
            if stamp:
                sent_at = spelled_time(WEEKDAY.sub("", stamp.attributes.get("title") or stamp.text())) or sent_at
            yield _from_element(element, name, sent_at)


def _from_element(element: Element, name: str, sent_at: datetime | None) -> Message:
    body, reply = element.first("chatlog__content"), element.first("chatlog__reply-link")
    text = body.text(without=lambda part: part.is_a("chatlog__edited-timestamp")) if body else ""
    answered = ANSWERED.search(reply.attributes.get("onclick", "")) if reply else None
    content = Content.TEXT if text else Content.NOTE
    if element.first("chatlog__system-notification", "chatlog__system-notification-content"):
        content = Content.NOTE
    elif not text and element.first(*MEDIA_PARTS):
        content = Content.MEDIA
    elif not text and element.first("chatlog__sticker"):
        content = Content.STICKER
    identity = element.attributes.get("data-message-id") or element.attributes.get("id", "").rpartition("-")[2]
    return Message(name, text, element.line, sent_at, content, id=identity, reply_to=answered[1] if answered else "")


FORMAT = ChatFormat(
    "discord", "DiscordChatExporter's JSON, CSV, text or pages", read, looks_like, is_json=True, is_page=True
)
