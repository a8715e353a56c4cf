"""Messages in the order in which they were written, chat by chat: many programs put the newest first, or mix chats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice, pairwise

from offbook.data.extract.chat_log.message import Message

SAMPLE = 400
"""So many messages tell the order of a file that need not be held."""


def in_order(messages: Iterable[Message]) -> Iterator[Message]:
    """The messages chat by chat, oldest first. All are held in memory only where their head is in another order."""
    rest = iter(messages)
    first = list(islice(rest, SAMPLE))
    if not _is_mixed(first) and not _is_newest_first(first):
        yield from chain(first, rest)
        return
    chats: dict[str, list[Message]] = {}
    for message in chain(first, rest):
        chats.setdefault(message.chat, []).append(message)
    for listed in chats.values():
        yield from reversed(listed) if _is_newest_first(listed) else listed


def _is_mixed(messages: list[Message]) -> bool:
    """Whether a chat goes on after another has begun."""
    turns = sum(one.chat != other.chat for one, other in pairwise(messages))
    return turns >= len({message.chat for message in messages})


def _is_newest_first(messages: list[Message]) -> bool:
    times = [(message.chat, message.sent_at) for message in messages if message.sent_at]
    steps = [(one[1], other[1]) for one, other in pairwise(times) if one[0] == other[0]]
    back = sum(one > other for one, other in steps)
    return back > sum(one < other for one, other in steps)
