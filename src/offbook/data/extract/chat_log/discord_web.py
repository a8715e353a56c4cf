"""Discord's own page as a browser saves it; its classes change from month to month, its ids do not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.message import Content, Message
from offbook.data.extract.chat_log.times import iso_time
from offbook.data.extract.chat_log.web_page import Element, elements
from offbook.data.extract.cue import Lines

ITEM, NAME, TEXT = "chat-messages-", "message-username-", "message-content-"
TIME, ANSWERED, ATTACHED = "message-timestamp-", "message-reply-context-", "message-accessories-"


def is_saved(sample: Sequence[str]) -> bool:
    """Whether a text is such a page."""
    return all(any(f'id="{sign}' in line for line in sample) for sign in (ITEM, NAME, TEXT))


def read_saved(lines: Lines) -> Iterator[Message]:
    """The messages of the page; of those that one person sends in a row, the first alone has the name."""
    name = "?"
    for element in elements(lines, lambda each: each.tag == "li" and _id(each).startswith(ITEM)):
        identity = _id(element).rpartition("-")[2]
        parts = {_id(part): part for part in element.within() if _id(part)}
        if (named := parts.get(NAME + identity)) is not None:
            name = _name(named)
        stamp, body = parts.get(TIME + identity), parts.get(TEXT + identity)
        text = body.text(without=lambda part: part.tag == "time") if body else ""
        attached = parts.get(ATTACHED + identity)
        content = Content.TEXT if text else Content.MEDIA if attached and attached.children else Content.NOTE
        answered = parts.get(ANSWERED + identity)
        quoted = (_id(part) for part in (answered.within() if answered else ()))
        reply_to = next((place.removeprefix(TEXT) for place in quoted if place.startswith(TEXT)), "")
        sent_at = iso_time(stamp.attributes.get("datetime")) if stamp else None
        if content is Content.NOTE:
            yield Message("", element.text(), element.line, sent_at, content)
        else:
            yield Message(name, text, element.line, sent_at, content, id=identity, reply_to=reply_to)


def _id(element: Element) -> str:
    return element.attributes.get("id", "")


def _name(element: Element) -> str:
    """The name, without the badges beside it."""
    parts = (part for part in element.within() if part.attributes.get("class", "").startswith("username"))
    return next(parts, element).text() or "?"
