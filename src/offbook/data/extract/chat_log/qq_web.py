"""QQ's web pages: those that QQ saves (.mht, one part of which is the page), and QQChatExporter's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeGuard

from offbook.data.extract.chat_log.message import Content, Message
from offbook.data.extract.chat_log.phrases import phrases
from offbook.data.extract.chat_log.quotations import Quotations
from offbook.data.extract.chat_log.times import any_time
from offbook.data.extract.chat_log.web_page import Element, elements
from offbook.data.extract.cue import Lines

SAVED = re.compile(r"^\ufeff?From: <Save by Tencent MsgMgr>|^\ufeff?Subject: Tencent IM Message")
EXPORTER = re.compile(r"QQ ?Chat ?Exporter|qq-chat-exporter", re.IGNORECASE)
DAY = re.compile(r"^\s*(?:日期|Date)\s*[:：]\s*(\d{4}[-/]\d{1,2}[-/]\d{1,2})\s*$")
PICTURE = "[图片]"
QUOTATION = "reply-content"
STICKERS = ("market-face", "face-emoji")


class SavedPage:
    """The lines that QQ's text export would have in the place of the page that it saves.

    `日期: 2021-05-12` is a row of its table; in the others stand the name, the clock and the text.
    """

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[tuple[int, str]]:
        day = ""
        for cell in elements(_page(self._lines), lambda each: each.tag == "td"):
            if heading := DAY.match(cell.text()):
                day = heading[1]
            head = cell.first("div")
            name = head.first("div") if head else None
            if not day or head is None or name is None:
                continue
            yield cell.line, f"{day} {''.join(filter(_is_text, head.children)).strip()} {name.text()}"
            for part in cell.parts()[1:]:
                yield from ((cell.line, text) for text in (_words(part) or PICTURE).split("\n"))
            yield cell.line, ""


def is_saved(sample: Sequence[str]) -> bool:
    """Whether a text is a page as QQ saves it."""
    return any(SAVED.match(line) for line in sample[:10])


def is_exported(sample: Sequence[str]) -> bool:
    """Whether a text is a page of QQChatExporter's."""
    signs = ('class="message-bubble"', 'class="sender"')
    return all(any(sign in line for line in sample) for sign in signs) and any(map(EXPORTER.search, sample))


def read_exported(lines: Lines) -> Iterator[Message]:
    """The messages of QQChatExporter's page; what one of them quotes tells which it answers."""
    earlier = Quotations()
    for element in elements(_page(lines), lambda each: each.is_a("message") or each.is_a("system-message-container")):
        name, stamp, body = element.first("sender"), element.first("time"), element.first("content")
        if name is None or body is None:
            yield Message("", element.text(), element.line, None, Content.NOTE)
            continue
        message = _message(element, name.text(), any_time(stamp.text()) if stamp else None, body)
        quoted = body.first(QUOTATION)
        words = quoted.text(without=lambda part: part.tag == "strong") if quoted else ""
        message = message._replace(reply_to=earlier.find(words) if words else "")
        earlier.remember(message.text, message.id)
        yield message


def _message(element: Element, name: str, sent_at: datetime | None, body: Element) -> Message:
    text = body.text(without=lambda part: part.is_a(QUOTATION) or part.is_a("image-content") or part.is_a("face-emoji"))
    content = phrases("wechat").content(text)
    if not text:
        content = Content.STICKER if body.first(*STICKERS) else Content.MEDIA
    elif body.first("message-file", "json-card"):
        content = Content.MEDIA
    return Message(name, text, element.line, sent_at, content, id=element.attributes.get("id") or str(element.line))


def _is_text(child: Element | str) -> TypeGuard[str]:
    return isinstance(child, str)


def _words(part: Element) -> str:
    """The words of a message, a picture in its place."""
    pictures = any(each.tag == "img" for each in part.within())
    words = part.text()
    return f"{PICTURE}\n{words}" if pictures and words else words


def _page(lines: Lines) -> Iterator[tuple[int, str]]:
    """The lines of the page, without the pictures that may come behind it."""
    for number, text in lines:
        yield number, text
        if "</html>" in text.casefold():
            return
