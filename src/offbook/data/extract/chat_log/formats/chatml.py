"""Conversations in ChatML as text: `<|im_start|>user`, the words, `<|im_end|>`. The marks are no part of the words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.lines import entries, share
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.cue import Lines

START = re.compile(r"^\s*<\|im_start\|>\s*(?P<name>[\w-]{1,30})(?: name=(?P<named>\S+))?\s*(?P<text>.*)$")
MARK = re.compile(r"<\|(?:im_start|im_end|endoftext)\|>")


def read(lines: Lines) -> Iterator[Message]:
    """The messages; a system prompt begins another conversation."""
    conversations = 0
    for line, start, more in entries(lines, START):
        text = MARK.sub("", "\n".join([start["text"], *more])).strip()
        conversations += start["name"] == "system"
        content = Content.NOTE if start["name"] == "system" or not text else Content.TEXT
        chat = f"conversation {conversations}" if conversations else ""
        yield Message(start["named"] or start["name"], text, line, None, content, chat)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like ChatML: 0 or 1."""
    return float(share(sample, START) > 0.05)


FORMAT = ChatFormat("chatml", "ChatML as text", read, looks_like)
