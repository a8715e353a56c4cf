"""Exchanges of a chat into rows: one for each reply, or one for each conversation."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from offbook.core.situation import with_situation
from offbook.data.extract.chat_log.exchanges import ReplyPair
from offbook.data.extract.chat_log.options import ChatOptions, estimated_tokens
from offbook.data.extract.chat_log.times import is_dated
from offbook.data.extract.cue import Cue, Skipped
from offbook.data.extract.rows import Row, with_name


class RowWriter:
    """Puts exchanges into rows, in the form that OpenAI's fine-tuning takes. Each reply is learned in one row alone.

    Args:
        file: the name that the rows give as their source.
        context: so many exchanges of the same conversation stand before those that are learned; their replies have
            `weight` 0: they are read and not learned.
        groups: names of the chats in which more than two people write; there the others are named.
        options: how chats become rows.
    """

    def __init__(self, file: str, context: int, groups: frozenset[str], options: ChatOptions) -> None:
        self._file = file
        self._context = context
        self._groups = groups
        self._options = options

    def rows(self, items: Iterable[ReplyPair | Skipped]) -> Iterator[Row | Skipped]:
        """The rows, and what is left out, in the file's order."""
        learned: list[ReplyPair] = []
        earlier: deque[ReplyPair] = deque(maxlen=self._context)
        context: list[ReplyPair] = []
        for item in items:
            if isinstance(item, Skipped):
                yield item
                continue
            if learned and not self._takes(learned, item):
                yield self._row(context, learned)
                learned = []
            if item.opens:
                earlier.clear()
            if not learned:
                context = list(earlier)
            learned.append(item)
            earlier.append(item)
        if learned:
            yield self._row(context, learned)

    def _takes(self, learned: Sequence[ReplyPair], item: ReplyPair) -> bool:
        """Whether a row goes on with an exchange."""
        if item.opens or not self._options.whole_conversations:
            return False
        length = sum(map(_length, learned)) + _length(item)
        return 2 * len(learned) + 2 <= self._options.max_turns and length <= self._options.max_tokens

    def _row(self, context: Sequence[ReplyPair], learned: Sequence[ReplyPair]) -> Row:
        messages: list[Row] = []
        for exchange in context:
            messages += self._messages(exchange, {"weight": 0})
        for exchange in learned:
            messages += self._messages(exchange, {})
        system = self._system((*context, *learned)[0])
        source: Row = {"file": self._file, "line": learned[0].reply.line, "scene": learned[0].reply.scene}
        if self._options.whole_conversations:
            source["lines"] = [exchange.reply.line for exchange in learned]
        return {
            "messages": [{"role": "system", "content": system}, *messages] if system else messages,
            "source": source,
            "confidence": round(min(exchange.reply.confidence for exchange in learned), 2),
        }

    def _messages(self, exchange: ReplyPair, weight: Row) -> Iterator[Row]:
        yield {"role": "user", "content": self._prompt(exchange)}
        yield {"role": "assistant", "content": exchange.reply.text, **weight}

    def _prompt(self, exchange: ReplyPair) -> str:
        """What the reply answers; of a long run of turns the last ones."""
        envelope = exchange.reply.envelope
        named = envelope is not None and envelope.chat in self._groups
        texts: list[str] = []
        room = self._options.max_tokens
        for cue in reversed(exchange.prompt):
            text = with_name(cue, cue.text) if named else cue.text
            room -= estimated_tokens(text)
            if texts and room < 0:
                break
            texts.append(text)
        return "\n".join(reversed(texts))

    def _system(self, exchange: ReplyPair) -> str:
        options = self._options
        partner: Cue = exchange.prompt[-1]
        relation = options.relations.get(partner.speaker, "")
        when = exchange.reply.envelope.sent_at if options.time_of_day and exchange.reply.envelope else None
        when = when if when and is_dated(when) else None
        words = exchange.reply.text + partner.text
        return with_situation(options.system, partner.speaker if relation else "", relation, when, text=words)


def _length(exchange: ReplyPair) -> int:
    return sum(estimated_tokens(cue.text) for cue in (*exchange.prompt, exchange.reply))
