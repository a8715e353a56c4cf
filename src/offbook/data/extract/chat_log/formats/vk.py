"""VK's archive: messages0.html of each chat, the newest message first; what its owner wrote is signed `Вы`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.times import spelled_time
from offbook.data.extract.chat_log.web_page import Element, elements
from offbook.data.extract.cue import Lines

HEADER = "message__header"
ATTACHED = "kludges"
STICKERS = ("стикер", "sticker", "подарок", "gift")
CALLS = ("звонок", "call")
FORWARDED = ("прикрепл", "forwarded", "attached message")
TIME = re.compile(r",\s*(?P<time>\d{1,2}\s[^\d,]{3,12}\s\d{4}.*|[A-Z][a-z]{2,8} \d{1,2}, \d{4}.*)$")
EDITED = re.compile(r"\s*\((?:ред\.|edited)\)\s*$")
DELETED = ("сообщение удалено", "message deleted", "this message has been deleted")


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a page, oldest first.

    Raises:
        ParseError: a tag of the page does not end.
    """
    return in_order(map(_message, elements(lines, lambda each: each.is_a("message") and "data-id" in each.attributes)))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a page of VK's archive: 0 or 1."""
    return float(any(HEADER in line for line in sample) and any("data-id" in line for line in sample))


def _message(element: Element) -> Message:
    header = element.first(HEADER)
    heading = EDITED.sub("", header.text()) if header else ""
    when = TIME.search(heading)
    name = heading[: when.start()] if when else heading
    body = next((part for part in element.parts() if part is not header), None)
    text = body.text(without=lambda part: part.is_a(ATTACHED)) if body else ""
    labels = [each.text().casefold() for each in element.within() if each.is_a("attachment__description")]
    return Message(
        name.strip() or "?",
        text,
        element.line,
        spelled_time(when["time"].replace(" в ", " ").replace(" at ", " ")) if when else None,
        _content(text, labels, body),
        id=element.attributes.get("data-id", ""),
    )


def _content(text: str, labels: list[str], body: Element | None) -> Content:
    if text:
        if any(text.casefold().startswith(phrase) for phrase in DELETED):
            return Content.DELETED
        is_act = body is not None and body.first("im_srv_lnk") is not None
        return Content.NOTE if is_act else Content.TEXT
    for kind, content in ((STICKERS, Content.STICKER), (CALLS, Content.CALL), (FORWARDED, Content.FORWARDED)):
        if any(label.startswith(kind) or kind[0] in label for label in labels):
            return content
    return Content.MEDIA if labels else Content.NOTE


FORMAT = ChatFormat("vk", "VK's archive (HTML)", read, looks_like, is_page=True)
