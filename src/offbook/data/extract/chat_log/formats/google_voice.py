"""Google Voice's text messages as Google Takeout gives them: a web page for each conversation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.phrases import phrases
from offbook.data.extract.chat_log.times import iso_time
from offbook.data.extract.chat_log.web_page import Element, elements
from offbook.data.extract.cue import Lines

PLACEHOLDERS = ("MMS Received", "MMS Sent")


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a conversation.

    Raises:
        ParseError: a tag of the page does not end.
    """
    return map(_message, elements(lines, lambda each: each.tag == "div" and each.is_a("message")))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a page: 0 or 1."""
    return float(any("hChatLog" in line for line in sample))


def _message(element: Element) -> Message:
    when, sender, words = element.first("dt"), element.first("fn"), element.first("q")
    text = words.text() if words else ""
    is_media = text in PLACEHOLDERS or element.first("img", "video", "audio") is not None
    name = sender.text() if sender else ""
    link = element.first("tel")
    number = link.attributes.get("href", "").removeprefix("tel:") if link else ""
    content = Content.MEDIA if is_media else Content.NOTE
    if text and text not in PLACEHOLDERS:
        content = phrases("imessage").content(text)
    sent_at = iso_time(when.attributes.get("title")) if when else None
    return Message(name or number or "?", text, element.line, sent_at, content)


FORMAT = ChatFormat("google_voice", "Google Voice's pages", read, looks_like, is_page=True)
