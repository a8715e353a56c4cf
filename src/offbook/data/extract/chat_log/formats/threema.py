"""Threema's data backup: a CSV for each chat. People are called by their IDs; the owner wrote what went out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.table_direction import ME
from offbook.data.extract.chat_log.table_stream import columns, read_table
from offbook.data.extract.chat_log.times import epoch_time
from offbook.data.extract.cue import Lines

COLUMNS = frozenset(["apiid", "isoutbox", "posted_at", "type", "body"])
OTHER = "Contact"
"""Who writes what came in, in a chat of two: its file is called after the contact."""
TEXT = "text"
CALLS = "voip"


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a chat.

    Raises:
        ParseError: the table is malformed.
    """
    return (_message(line, row) for line, row in read_table(lines))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a table: 0 or 1."""
    return float(set(columns("".join(sample[:1]))) >= COLUMNS)


def _message(line: int, row: Mapping[str, str]) -> Message:
    kind, caption = row.get("type", "").strip().casefold(), row.get("caption", "").strip()
    content, text = (Content.TEXT, row.get("body", "")) if kind == TEXT else (Content.MEDIA, caption)
    if kind != TEXT and caption:
        content = Content.TEXT
    if kind.startswith(CALLS):
        content = Content.CALL
    elif row.get("isstatusmessage") == "1" or not (text or content is Content.MEDIA):
        content = Content.NOTE
    return Message(
        ME if row.get("isoutbox") == "1" else row.get("identity", "").strip() or OTHER,
        text.strip(),
        line,
        epoch_time(row.get("posted_at") or row.get("created_at")),
        content,
        id=row.get("apiid", ""),
        reply_to=row.get("quoted_message_apiid", ""),
    )


FORMAT = ChatFormat("threema", "Threema's data backup (CSV)", read, looks_like)
