"""Viber's "Export messages" as text: `[ 12/05/2021 21:30:42 ] Ann: Is the stove lit?`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.lines import entries, share
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import DateOrder, spelled_time
from offbook.data.extract.cue import Lines

HEADER = re.compile(
    r"^\[ (?P<time>(?P<first>\d{1,4})[./\-](?P<second>\d{1,2})[./\-]\d{1,4},? \d{1,2}:\d{2}(?::\d{2})?(?: [AP]M)?) \] "
    r"(?:(?P<name>[^:\n]{1,200}?): ?)?(?P<text>.*)$"
)
MEDIA = re.compile(r"(?:Photo|Video|Voice|File|GIF|Location|Contact)(?: message)?", re.IGNORECASE)
CALL = re.compile(r"(?:Missed |Incoming |Outgoing )?(?:video |voice )?call(?: \(.*\))?", re.IGNORECASE)
STICKER = re.compile(r"Sticker(?: message)?", re.IGNORECASE)
KINDS = ((MEDIA, Content.MEDIA), (CALL, Content.CALL), (STICKER, Content.STICKER))


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a Viber export. Its dates are looked through first, for whether the month leads."""
    order = DateOrder()
    for _, text in lines:
        if (header := HEADER.match(text)) and len(header["first"]) < 3:
            order.add(header["first"], header["second"])
    for line, header, more in entries(lines, HEADER):
        text = "\n".join([header["text"], *more]).strip()
        content = next((kind for pattern, kind in KINDS if pattern.fullmatch(text)), Content.TEXT)
        content = content if text and header["name"] else Content.NOTE
        sent_at = spelled_time(header["time"], order.month_first)
        yield Message((header["name"] or "").strip(), text, line, sent_at, content)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a Viber export: the share of its lines that begin a message."""
    return share(sample, HEADER)


FORMAT = ChatFormat("viber", "Viber's text export", read, looks_like)
