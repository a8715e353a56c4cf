"""iMessage as the text of imessage-exporter: the time, the sender, the message, a blank line.

May 12, 2021  9:30:42 PM (Read by you after 5 seconds)
Ann
Is the lamp lit?
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.lines import entries
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import spelled_time
from offbook.data.extract.cue import Lines

HEADER = re.compile(
    r"^(?P<indent> {0,8})(?P<time>[A-Z][a-z]{2} \d{1,2}, \d{4} {1,2}\d{1,2}:\d{2}:\d{2}\s?[AP]M)(?P<rest>.*)$"
)
READ_NOTE = re.compile(r"^\s*(?:\([^()]*(?:after|Read|Delivered)[^()]*\))?\s*$")
TAPBACKS = re.compile(r"^\s*(?:Tapbacks|Reactions):\s*$")
REPLY_NOTE = "This message responded to an earlier message."
NOTES = (REPLY_NOTE, "This message was deleted from the conversation!", "Edited", "Sent with ")
ATTACHMENT = re.compile(
    r"^(?:~?/|[A-Z]:\\|attachments/)\S.*\.\w{2,5}$|^(?:Attachment missing!?|\ufffc)$", re.IGNORECASE
)
DELETED = re.compile(r"(?:You|.{1,60}) (?:unsent|deleted) (?:a|this) message.*", re.IGNORECASE)
CALL = re.compile(
    r"(?:Missed )?(?:FaceTime|SharePlay|Audio|Video)(?: Audio| Video)?(?: call)?(?: ended| Message Ended)?\.?"
)
STICKER = re.compile(r"^Sticker from .*")


def read(lines: Lines) -> Iterator[Message]:
    """The messages of such a text; a reply is repeated, indented, below what it answers, and read there alone."""
    for line, header, more in entries(lines, HEADER):
        sent_at = spelled_time(header["time"])
        if header["indent"]:
            continue
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
            elif not text.strip().startswith(NOTES):
                texts.append(text)
        written = "\n".join(texts).strip()
        content = Content.TEXT if written else Content.MEDIA if attached else Content.NOTE
        if written:
            kinds = {DELETED: Content.DELETED, CALL: Content.CALL, STICKER: Content.STICKER}
            content = next((kind for pattern, kind in kinds.items() if pattern.fullmatch(written)), content)
        yield Message(sender.strip() or "?", written, line, sent_at, content)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such an export: 0 or 1."""
    first = next((line for line in sample if line.strip()), "")
    headers = [header for line in sample if (header := HEADER.match(line))]
    above = sum(READ_NOTE.match(header["rest"]) is not None for header in headers)
    return float(HEADER.match(first) is not None and above > 1 and 2 * above > len(headers))


FORMAT = ChatFormat("imessage", "iMessage through imessage-exporter (text)", read, looks_like)
