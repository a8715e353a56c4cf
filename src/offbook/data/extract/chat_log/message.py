"""One message of a chat log, as every reader yields it, and the declaration of a chat format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from offbook.data.extract.cue import Lines


class Content(Enum):
    """What a message holds. The value is the reason that the summary gives for leaving it out."""

    TEXT = ""
    MEDIA = "picture, voice message or file"
    """Somebody may answer it, and the answer makes no sense without it."""
    CALL = "call"
    """What is written after a call goes on from what was spoken in it."""
    STICKER = "sticker or reaction"
    DELETED = "deleted message"
    NOTE = "note of the app"
    FORWARDED = "forwarded from others"


class Message(NamedTuple):
    """One message of a chat, or one note of the app's own (then without a sender).

    A tuple, since exports hold millions of them.
    """

    sender: str
    text: str
    line: int
    """1-based line of the file where the message begins."""
    sent_at: datetime | None = None
    content: Content = Content.TEXT
    chat: str = ""
    """The chat's name, where a file holds several."""
    id: str = ""
    reply_to: str = ""
    """The id of the message that this one answers, where the app lets its users say so."""
    mentions: tuple[str, ...] = ()
    """Names of those whom the message addresses."""


MessageReader = Callable[[Lines], Iterator[Message]]
"""Numbered lines to messages. It may go through the lines more than once, and raises ParseError with a line."""


@dataclass(frozen=True, slots=True)
class ChatFormat:
    """A chat format; each module of `chat_log/formats` declares its own as `FORMAT`."""

    name: str
    """As `--format` names it."""
    description: str
    read: MessageReader
    looks_like: Callable[[Sequence[str]], float]
    """How much the first lines of a file look like the format: 0 … 1."""
    is_json: bool = False
    """Whether its files may be JSON or JSON Lines."""
    is_text: bool = True
    """Whether its files may be something else than JSON."""
    is_page: bool = False
    """Whether they may be web pages or XML; they are text, too."""
