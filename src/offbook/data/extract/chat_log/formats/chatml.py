"""Conversations with a model as text: ChatML, `### Human:` and the like, what is copied from ChatGPT's page.

<|im_start|>user                ### Human: Is the lamp lit?        You said:
Is the lamp lit?<|im_end|>      ### Assistant: Since four.         Is the lamp lit?

The marks are no part of the words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.lines import entries, head, share
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.cue import Lines

START = re.compile(r"^\s*<\|im_start\|>\s*(?P<name>[\w-]{1,30})(?: name=(?P<named>\S+))?\s*(?P<text>.*)$")
HEADED = re.compile(
    r"^#{2,4} ?(?P<name>(?i:human|user|assistant|ai|bot|gpt|system|instruction|input|prompt|response|output|question"
    r"|answer)|用户|助手|问题|回答|指令|回复)\s*[:：]\s*(?P<text>.*)$"
)
COPIED = re.compile(
    r"^(?:#{1,6} )?(?P<name>You|[A-Z][\w.]{2,15}) said:\s*(?P<text>)$|^(?:#{1,6} )?(?P<named>你|ChatGPT) ?说：\s*$"
)
STARTS = (START, HEADED, COPIED)
SYSTEM = "system"
MARK = re.compile(r"<\|(?:im_start|im_end|endoftext)\|>")


def read(lines: Lines) -> Iterator[Message]:
    """The messages; a system prompt begins another conversation."""
    conversations = 0
    way = max(STARTS, key=lambda way: sum(bool(way.match(text)) for text in head(lines)))
    for line, start, more in entries(lines, way):
        parts = start.groupdict()
        text = MARK.sub("", "\n".join([parts["text"] or "", *more])).strip()
        is_system = (parts["name"] or "").casefold() == SYSTEM
        conversations += is_system
        content = Content.NOTE if is_system or not text else Content.TEXT
        chat = f"conversation {conversations}" if conversations else ""
        yield Message(parts.get("named") or parts["name"], text, line, None, content, chat)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like ChatML or its like: 0 or 1."""
    several = any(len({match[0] for line in sample if (match := way.match(line))}) > 1 for way in (HEADED, COPIED))
    return float(share(sample, START) > 0.05 or several)


FORMAT = ChatFormat("chatml", "ChatML and other conversations with a model as text", read, looks_like)
