"""iMessage as the text or the page of imessage-exporter. In the text: the time, the sender, the message, a blank line.

May 12, 2021  9:30:42 PM (Read by you after 5 seconds)
Ann
Is the lamp lit?
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.lines import entries, head
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.phrases import phrases
from offbook.data.extract.chat_log.times import spelled_time
from offbook.data.extract.chat_log.web_page import Element, elements, is_page
from offbook.data.extract.cue import Lines

HEADER = re.compile(
    r"^(?P<indent> {0,8})(?P<time>[A-Z][a-z]{2} \d{1,2}, \d{4} {1,2}\d{1,2}:\d{2}:\d{2}\s?[AP]M)(?P<rest>.*)$"
)
READ_NOTE = re.compile(r"^\s*(?:\([^()]*(?:after|Read|Delivered)[^()]*\))?\s*$")
TAPBACKS = re.compile(r"^\s*(?:Tapbacks|Reactions):\s*$")
REPLY_NOTE = "This message responded to an earlier message."
NOTES = (REPLY_NOTE, "This message was deleted from the conversation!", "Edited", "Sent with ")
EDITED = re.compile(r"Edited .{1,60}? later: (?P<text>.*)$")
"""What a message was changed to; what it was stands above."""
ATTACHMENT = re.compile(
    r"^(?:~?/|[A-Z]:\\|attachments/)\S.*\.\w{2,5}$|^(?:Attachment missing!?|\ufffc)$", re.IGNORECASE
)
DELETED = re.compile(r"(?:You|.{1,60}) (?:unsent|deleted) (?:a|this) message.*", re.IGNORECASE)
CALL = re.compile(
    r"(?:Missed )?(?:FaceTime|SharePlay|Audio|Video)(?: Audio| Video)?(?: call)?(?: ended| Message Ended)?\.?"
)
STICKER = re.compile(r"^Sticker from .*")
PAGE = re.compile(r'<span class="timestamp">')


def read(lines: Lines) -> Iterator[Message]:
    """The messages of such a text or page; a reply is repeated below what it answers, and read there alone.

    Raises:
        ParseError: a tag of the page does not end.
    """
    if is_page("\n".join(head(lines, 20))):
        return _from_page(lines)
    return _from_text(lines)


def _from_text(lines: Lines) -> Iterator[Message]:
    answered: dict[tuple[str, str], str] = {}
    identity = ""
    for line, header, more in entries(lines, HEADER):
        sent_at = spelled_time(header["time"])
        written_by = next((text.strip() for text in more if text.strip()), "")
        if header["indent"]:
            answered[header["time"], written_by] = identity
            continue
        identity = str(line)
        if not READ_NOTE.match(header["rest"]):
            yield Message("", header["rest"].strip(), line, sent_at, Content.NOTE)
            continue
        sender, *body = [text for text in more if text.strip()][:1] + more[1:] or ["?"]
        texts: list[str] = []
        attached = False
        for text in body:
            if TAPBACKS.match(text) or text.startswith("    "):
                break
            if ATTACHMENT.match(text.strip()):
                attached = True
            elif edited := EDITED.match(text.strip()):
                texts = [edited["text"]]
            elif not text.strip().startswith(NOTES):
                texts.append(text)
        written = "\n".join(texts).strip()
        content = Content.TEXT if written else Content.MEDIA if attached else Content.NOTE
        if written:
            content = _content(written)
        reply_to = answered.get((header["time"], written_by), "") if REPLY_NOTE in "\n".join(body) else ""
        yield Message(sender.strip() or "?", written, line, sent_at, content, id=identity, reply_to=reply_to)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such an export: 0 or 1."""
    if is_page("\n".join(sample[:20])):
        return float(any(PAGE.search(line) for line in sample) and any('class="sender"' in line for line in sample))
    first = next((line for line in sample if line.strip()), "")
    headers = [header for line in sample if (header := HEADER.match(line))]
    above = sum(READ_NOTE.match(header["rest"]) is not None for header in headers)
    return float(HEADER.match(first) is not None and above > 1 and 2 * above > len(headers))


def _from_page(lines: Lines) -> Iterator[Message]:
    """The messages of a page. An answer stands below what it answers, too, which tells what it answers."""
    answered: dict[tuple[str, str, str], str] = {}
    for number, element in enumerate(elements(lines, lambda each: each.is_a("message") or each.is_a("announcement"))):
        message = _from_element(element, str(number))
        replies = element.first("replies")
        for reply in replies.within() if replies else ():
            if reply.is_a("message"):
                answered[_key(_from_element(reply, ""))] = message.id
        yield message._replace(reply_to=answered.get(_key(message), "")) if element.first("reply_context") else message


def _key(message: Message) -> tuple[str, str, str]:
    return message.sender, message.text, str(message.sent_at)


def _from_element(element: Element, identity: str) -> Message:
    above = Element("div", {}, element.line, [_without_replies(element)])
    stamp, sender = above.first("timestamp"), above.first("sender")
    sent_at = spelled_time(stamp.text()) if stamp else None
    if sender is None:
        return Message("", above.text(), element.line, sent_at, Content.NOTE)
    text = "\n".join(filter(None, (part.text() for part in above.within() if part.is_a("bubble")))).strip()
    content = _content(text)
    if not text:
        is_attached = above.first("img", "video", "audio", "attachment", "attachment_error", "app") is not None
        content = Content.MEDIA if is_attached else Content.DELETED if above.first("unsent") else Content.NOTE
        content = Content.STICKER if above.first("sticker") and not above.first("attachment") else content
    return Message(sender.text() or "?", text, element.line, sent_at, content, id=identity)


def _content(text: str) -> Content:
    kinds = {DELETED: Content.DELETED, CALL: Content.CALL, STICKER: Content.STICKER}
    content = next((kind for pattern, kind in kinds.items() if pattern.fullmatch(text)), None)
    return content or phrases("imessage").content(text)


def _without_replies(element: Element) -> Element:
    parts = [
        child if isinstance(child, str) else _without_replies(child)
        for child in element.children
        if isinstance(child, str) or not (child.is_a("replies") or child.is_a("reactions"))
    ]
    return Element(element.tag, element.attributes, element.line, parts)


FORMAT = ChatFormat("imessage", "iMessage through imessage-exporter (text, HTML)", read, looks_like, is_page=True)
