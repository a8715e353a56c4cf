"""Turns to exchanges: what was said to the character, and what it answered."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from offbook.data.extract.cue import Cue, Skipped

REMEMBERED = 5000
"""So many turns back a message that is answered by name is looked for."""
UNANSWERED = "opens a conversation, answers nobody"
"""Why a turn of the character's is left out that begins a conversation, or goes on without an answer."""


@dataclass(frozen=True, slots=True)
class ReplyPair:
    """A reply of the character's and what it answers."""

    prompt: tuple[Cue, ...]
    """The turns of others since the character's last one, the one that is answered last."""
    reply: Cue
    opens: bool
    """Whether it begins a conversation: nothing from before is part of it."""


def exchanges(items: Iterable[Cue | Skipped], names: frozenset[str]) -> Iterator[ReplyPair | Skipped]:
    """The exchanges of a chat with the character that goes by `names`, and what is left out, in the file's order.

    A turn that says which message it answers (a reply, a quotation) answers that one, however far back. In a group a
    turn answers what was addressed to the character, by a reply or by name, rather than what was addressed to others.
    """
    chat = _Chat(names)
    for item in items:
        if isinstance(item, Skipped):
            yield item
        elif names & set(item.speakers):
            yield chat.reply(item)
        else:
            chat.hear(item)


class _Chat:
    """What has been said so far, as far as it may be answered."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._pending: list[Cue] = []
        self._by_id: OrderedDict[tuple[str, str], Cue] = OrderedDict()
        self._scene: str | None = None
        self._opens = True

    def hear(self, cue: Cue) -> None:
        """Take in a turn of somebody else's."""
        self._enter(cue)
        self._pending.append(cue)
        self._remember(cue)

    def reply(self, cue: Cue) -> ReplyPair | Skipped:
        """Take in a turn of the character's: the exchange that it ends, or why it is none."""
        self._enter(cue)
        answered = self._answered(cue)
        if answered is not None and answered not in self._pending:
            self._pending, self._opens = [answered], True
        elif answered is not None:
            self._answer_last(answered)
        elif addressed := self._addressed():
            self._answer_last(addressed)
        self._remember(cue)
        if not self._pending:
            # What comes after it answers this turn, which is not there; so a conversation begins.
            self._opens = True
            return Skipped(UNANSWERED, cue.text, cue.line)
        exchange = ReplyPair(tuple(self._pending), cue, self._opens)
        self._pending, self._opens = [], False
        return exchange

    def _enter(self, cue: Cue) -> None:
        if cue.scene != self._scene:
            self._scene, self._pending, self._opens = cue.scene, [], True

    def _answer_last(self, cue: Cue) -> None:
        self._pending.remove(cue)
        self._pending.append(cue)

    def _answered(self, cue: Cue) -> Cue | None:
        """The turn that a reply names, if somebody else wrote it."""
        target = self._target(cue)
        return None if target is None or self._is_own(target) else target

    def _addressed(self) -> Cue | None:
        """The last pending turn that is addressed to the character, where the very last is addressed to another."""
        if len(self._pending) < 2 or not self._is_to(self._pending[-1], to_character=False):
            return None
        return next((cue for cue in reversed(self._pending) if self._is_to(cue, to_character=True)), None)

    def _is_to(self, cue: Cue, to_character: bool) -> bool:
        mentions = cue.envelope.mentions if cue.envelope else ()
        if mentions:
            return any(name in self._names for name in mentions) == to_character
        target = self._target(cue)
        return target is not None and self._is_own(target) == to_character

    def _target(self, cue: Cue) -> Cue | None:
        if cue.envelope is None or not cue.envelope.reply_to:
            return None
        return self._by_id.get((cue.envelope.chat, cue.envelope.reply_to))

    def _is_own(self, cue: Cue) -> bool:
        return bool(self._names & set(cue.speakers))

    def _remember(self, cue: Cue) -> None:
        if cue.envelope is None:
            return
        for identity in cue.envelope.ids:
            self._by_id[cue.envelope.chat, identity] = cue
        while len(self._by_id) > REMEMBERED:
            self._by_id.popitem(last=False)
