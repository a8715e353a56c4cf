"""Text messages as SMS Backup & Restore keeps them (sms-….xml): elements `sms` and `mms`, of all people in turn."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.phrases import phrases
from offbook.data.extract.chat_log.times import epoch_time
from offbook.data.extract.chat_log.web_page import Element, elements
from offbook.data.extract.cue import Lines

ME = "Me"
ROOT = re.compile(r"<smses[\s>]")
UNKNOWN = frozenset(["", "(Unknown)", "null"])
SENT = "2"
UNSENT = ("4", "5", "6")
"""What waits to be sent, or could not be: it was written all the same."""
DRAFT = "3"
SENDER = "137"
"""The kind of address of an mms that is its sender's."""


def read(lines: Lines) -> Iterator[Message]:
    """The messages, person by person, in the order of time. All are held, since people take turns in the file.

    Raises:
        ParseError: an element does not end.
    """
    return in_order(map(_message, elements(lines, lambda each: each.tag in ("sms", "mms"))))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a backup: 0 or 1."""
    return float(any(ROOT.search(line) for line in sample[:20]))


def _message(element: Element) -> Message:
    fields = element.attributes
    address = fields.get("address", "?").replace("~", ", ")
    contact = fields.get("contact_name", "")
    partner = address if contact in UNKNOWN else contact
    box = fields.get("type") or fields.get("msg_box")
    parts = [part for part in element.within() if part.tag == "part"]
    texts = [part.attributes.get("text", "") for part in parts if part.attributes.get("ct") == "text/plain"]
    text = "\n".join(text for text in (fields.get("body", ""), *texts) if text not in UNKNOWN).strip()
    is_attached = any(part.attributes.get("ct") not in ("text/plain", "application/smil") for part in parts)
    content = Content.MEDIA if is_attached else Content.NOTE
    if text and box != DRAFT:
        content = phrases("imessage").content(text)
    sent_at = epoch_time(fields.get("date"))
    sender = ME if box in (SENT, DRAFT, *UNSENT) else _sender(element) if ", " in address else partner
    return Message(sender or partner, text, element.line, sent_at, content, partner)


def _sender(element: Element) -> str:
    """Whose number a message to several people comes from."""
    numbers = (each.attributes for each in element.within() if each.tag == "addr")
    return next((each.get("address", "") for each in numbers if each.get("type") == SENDER), "")


FORMAT = ChatFormat("sms", "text messages of SMS Backup & Restore (XML)", read, looks_like, is_page=True)
