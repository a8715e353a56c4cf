"""Skype: messages.json of its export, in which each chat's newest message stands first, and chats copied as text.

[12/05/2021 21:30:42] Ann: Is the lamp lit?
[12/05/2021 21:31:02] *** Call ended, duration 05:12 ***
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from offbook.core.patterns import lazy_pattern
from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages, string_in
from offbook.data.extract.chat_log.lines import entries, head, is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.phrases import phrases
from offbook.data.extract.chat_log.quotations import Quotations
from offbook.data.extract.chat_log.stamps import STAMP, StampReader
from offbook.data.extract.chat_log.times import iso_time
from offbook.data.extract.cue import Lines

TEXTS = ("RichText", "Text", "RichText/Html")
"""The last is what Teams writes in the same file."""
QUOTE = lazy_pattern(r"<(?P<tag>quote|blockquote)\b.*?</(?P=tag)>", re.DOTALL)
BREAK = lazy_pattern(r"\s*(?:<br\s*/?>|</(?:p|div|li)>\s*(?=<))\s*")
EDIT = lazy_pattern(r"<e_m\b[^<>]*>(?:.*?</e_m>)?", re.DOTALL)
TAG = lazy_pattern(r"<[^<>]*>")
ACCOUNT = lazy_pattern(r"^\d+:(?:live:)?")
HEADER = lazy_pattern(
    rf"^\ufeff?\[{STAMP}(?:\s\|\s[^\[\]\n]{{1,40}})?\] "
    r"(?:\*\*\* (?P<note>[^\n]+?) \*\*\*$|(?P<name>(?:live:)?[^:\n*]{1,200}?): ?(?P<text>.*)$)"
)
NOTE = lazy_pattern(r"\*\*\* (?P<note>[^\n]+?) \*\*\*")
QUOTED = lazy_pattern(r"\A\[[^\]\n]{4,40}\] [^:\n]{1,200}: (?P<quoted>.*?)\n+<<< ", re.DOTALL)
"""What is answered, as Skype copies it: with its time and name, and `<<<` before the answer."""


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a Skype export, oldest first; each chat's list is held to turn it round.

    Raises:
        ParseError: the JSON is malformed.
    """
    if not is_json(head(lines, 20)):
        yield from _from_text(lines)
        return
    messages = (_message(line, item, preamble) for line, item, preamble in read_messages(lines, "MessageList"))
    for _, group in groupby(messages, lambda message: message.chat):
        yield from reversed(list(group))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a Skype export: 0 or 1."""
    if not is_json(sample):
        headers = [header for line in sample if (header := HEADER.match(line))]
        notes = sum(bool(header["note"] or NOTE.fullmatch(header["text"])) for header in headers)
        return float(0 < notes < len(headers) and 4 * len(headers) > sum(bool(line.strip()) for line in sample))
    keys = json_keys(sample)
    return float(keys >= {"userId", "conversations", "MessageList"})


def _message(line: int, item: JsonObject, preamble: str) -> Message:
    written = str(item.get("content") or "")
    text = html.unescape(TAG.sub("", BREAK.sub("\n", EDIT.sub("", QUOTE.sub("", written))))).strip()
    sender = str(item.get("displayName") or "") or ACCOUNT.sub("", str(item.get("from") or "?"))
    chat = str(item.get("conversationid") or string_in(preamble, "id"))
    sent_at = iso_time(item.get("originalarrivaltime"))
    return Message(sender, text, line, sent_at, _content(item, text), chat, str(item.get("id") or ""))


def _content(item: JsonObject, text: str) -> Content:
    kind = str(item.get("messagetype"))
    if kind in TEXTS:
        is_picture = not text and "<img" in str(item.get("content"))
        return Content.TEXT if text else Content.MEDIA if is_picture else Content.DELETED
    if kind.startswith("Event/Call"):
        return Content.CALL
    return Content.MEDIA if kind.startswith("RichText/") else Content.NOTE


def _from_text(lines: Lines) -> Iterator[Message]:
    """The messages of a chat that was copied; what Skype itself writes stands between three asterisks."""
    clock = StampReader(header for text in head(lines, 3000) if (header := HEADER.match(text)))
    earlier, names = Quotations(), set[str]()
    for number, header, more in entries(lines, HEADER):
        sent_at = clock.time(header)
        text = "\n".join([header["text"] or "", *clock.without_break(more)]).strip()
        note = header["note"] or ((match := NOTE.fullmatch(text)) and match["note"])
        if note:
            content = phrases("skype").content(note)
            content = Content.NOTE if content is Content.TEXT else content
            named = (name for name in names if note.startswith(name))
            yield Message(header["name"] or next(named, ""), note, number, sent_at, content)
            continue
        names.add(header["name"].strip())
        quotation = QUOTED.match(text)
        text = text[quotation.end() :].strip() if quotation else text
        reply_to = earlier.find(quotation["quoted"]) if quotation else ""
        earlier.remember(text, str(number))
        content = phrases("skype").content(text) if text else Content.MEDIA
        content = content if content in (Content.DELETED, Content.MEDIA) else Content.TEXT
        yield Message(header["name"].strip(), text, number, sent_at, content, id=str(number), reply_to=reply_to)


FORMAT = ChatFormat("skype", "Skype's messages.json, and chats copied from it", read, looks_like, is_json=True)
