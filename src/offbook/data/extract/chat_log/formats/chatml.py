"""Conversations with a model as text: ChatML, `### Human:` and the like, what is copied from ChatGPT's page.

<|im_start|>user                ### Human: Is the lamp lit?        You said:
Is the lamp lit?<|im_end|>      ### Assistant: Since four.         Is the lamp lit?

## User                         **You:**                            User: Is the lamp lit?
Is the lamp lit?                Is the lamp lit?                    AI: Since four.

The marks are no part of the words, nor is a time or a rule below the names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from offbook.core.patterns import lazy_pattern
from offbook.data.extract.chat_log.lines import entries, head, share
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.stamps import STAMP, StampReader
from offbook.data.extract.cue import Lines
from offbook.data.extract.word_lists import words

START = lazy_pattern(r"^\s*<\|im_start\|>\s*(?P<name>[\w-]{1,30})(?: name=(?P<named>\S+))?\s*(?P<text>.*)$")
HEADED = lazy_pattern(
    r"^#{2,4} ?(?P<name>(?i:human|user|assistant|ai|bot|gpt|system|instruction|input|prompt|response|output|question"
    r"|answer)|用户|助手|问题|回答|指令|回复)\s*[:：]\s*(?P<text>.*)$"
)
COPIED = lazy_pattern(
    r"^(?:#{1,6} )?(?P<name>You|[A-Z][\w.]{2,15}) said:\s*(?P<text>)$|^(?:#{1,6} )?(?P<named>你|ChatGPT) ?说：\s*$"
)
SPOKEN = lazy_pattern(
    r"^(?:(?P<user>(?i:user|human|you|me)|用户|你|我|提问)|(?P<model>(?i:ai|assistant|bot|chatgpt|gpt(?:-?[\d.]+\w*)?|claude"
    r"|gemini|deepseek|kimi|copilot)|助手|回答|豆包|文心一言|通义千问|元宝))\s*[:：]\s*(?P<text>.*)$"
)
"""The two sides in plain text: a conversation with a model if each speaks more than once, and nobody else does."""
STARTS = (START, HEADED, COPIED, SPOKEN)
LABEL = lazy_pattern(r"^(?P<name>[^\W\d_][^:：。！？!?,，]{0,20})[:：]\s*\S")
_TITLE_ENDS = r"\s*[:：]?(?:\*\*|__)?[:：]?\s*$"
TITLE = lazy_pattern(
    rf"^(?P<mark>#{{1,6}} +\**|\*\*|__)(?:[^\w\s]{{1,8}}\s*)?(?P<name>[^\W\d][^:：*_#\n]{{0,40}}?){_TITLE_ENDS}"
)
"""A heading, or a line in bold, that may be who speaks below it."""
USERS = words(
    "user you human me prompt 用户 我 你 提问 usuario utilisateur benutzer du vous пользователь вы あなた 나 사용자"
)
"""Who asks in it: by them it is told from other headings."""
FEWEST_TITLES, LEAST_SHARE = 3, 0.8
TIME = lazy_pattern(rf"\s*{STAMP}\s*")
SYSTEM = "system"
MARK = lazy_pattern(r"<\|(?:im_start|im_end|endoftext)\|>")


def read(lines: Lines) -> Iterator[Message]:
    """The messages; a system prompt begins another conversation."""
    conversations = 0
    first = head(lines, 3000)
    ways = (*STARTS, titles) if (titles := _titles(first)) else STARTS
    way = max(ways, key=lambda way: sum(bool(way.match(text)) for text in first))
    clock = StampReader(match for text in first if (match := TIME.fullmatch(text)))
    for line, start, more in entries(lines, way):
        parts = start.groupdict()
        body = [parts.get("text") or "", *clock.without_break(more)]
        above = next((place for place, text in enumerate(body) if text.strip()), 0)
        sent_at = None
        if stamp := TIME.fullmatch(body[above]):
            sent_at, body = clock.time(stamp), body[above + 1 :]
        text = MARK.sub("", "\n".join(body)).strip()
        name = next(parts[group] for group in ("named", "name", "user", "model") if parts.get(group))
        is_system = name.casefold() == SYSTEM
        conversations += is_system
        content = Content.NOTE if is_system or not text else Content.TEXT
        chat = f"conversation {conversations}" if conversations else ""
        yield Message(name, text, line, sent_at, content, chat)


def _titles(sample: Sequence[str]) -> re.Pattern[str] | None:
    """A pattern for the headings of the two sides, where there are such: the user's, and the one that follows it."""
    titles = [(match["mark"], match["name"]) for line in sample if (match := TITLE.match(line))]
    pairs = Counter(
        (mark, name, other)
        for (mark, name), (mark_below, other) in pairwise(titles)
        if mark == mark_below and name.casefold() in USERS and other.casefold() not in USERS
    )
    if not pairs:
        return None
    mark, *names = max(pairs, key=lambda pair: pairs[pair])
    count = sum(title == (mark, name) for title in titles for name in names)
    if count < FEWEST_TITLES or max(pairs.values()) < LEAST_SHARE * pairs.total():  # several people answer
        return None
    either = "|".join(map(re.escape, names))
    return re.compile(rf"^{re.escape(mark)}(?:[^\w\s]{{1,8}}\s*)?(?P<name>{either}){_TITLE_ENDS}")


def _is_talk(sample: Sequence[str]) -> bool:
    """Whether a text is a conversation of a user and a model in plain text, with nobody else in it."""
    sides = [(match["user"], match["model"]) for line in sample if (match := SPOKEN.match(line))]
    turns = Counter(sides)
    names = Counter(match["name"] for line in sample if (match := LABEL.match(line)) and not SPOKEN.match(line))
    users, models = ({side[place] for side in turns if side[place]} for place in (0, 1))
    return (
        len(users) == len(models) == 1
        and min(turns.values()) > 1
        and max(names.values(), default=0) < min(turns.values())
    )


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like ChatML or its like: 0 or 1."""
    several = any(len({match[0] for line in sample if (match := way.match(line))}) > 1 for way in (HEADED, COPIED))
    return float(share(sample, START) > 0.05 or several or _titles(sample) is not None or _is_talk(sample))


FORMAT = ChatFormat("chatml", "ChatML and other conversations with a model as text", read, looks_like)
