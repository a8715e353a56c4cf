"""The question that the novel readers answer: who says this quoted line, and how sure is that?"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from offbook.data.extract.novel.quotes import Paragraph, Piece

NAMED = 0.95
"""A name and a verb of speech beside the quoted line."""
NEARBY = 0.85
"""The verb beside it, the name earlier in the sentence."""
ACTS = 0.7
"""Somebody does something beside it."""
PRONOUN = 0.6
"""He or she says it: whoever was named last."""
TURN = 0.5
"""Nobody is named: two people speak by turns."""
NOBODY = 0.0


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who says a quoted line, or why it is none."""

    speakers: tuple[str, ...]
    confidence: float
    unspoken: str = ""
    """Why the quoted words are not spoken: a thought, something written, a word in quotation marks."""


@dataclass(slots=True)
class DialogueState:
    """What a reader of the book has in mind: who was named last, and who spoke last."""

    subject: str | None = None
    turns: deque[tuple[str, ...]] = field(default_factory=lambda: deque(maxlen=2))

    last: Attribution | None = None
    """The guess about the last quoted line that was spoken."""

    def clear(self) -> None:
        self.subject = self.last = None
        self.turns.clear()

    def spoke(self, guess: Attribution) -> None:
        """Somebody has spoken."""
        self.last = guess
        if guess.speakers:
            self.subject = guess.speakers[0]
            if not self.turns or self.turns[-1] != guess.speakers:
                self.turns.append(guess.speakers)

    def other(self) -> tuple[str, ...]:
        """Of two who speak by turns, the one whose turn it is."""
        return self.turns[0] if len(self.turns) == 2 and self.turns[0] != self.turns[1] else ()


class Attributor(Protocol):
    """What is particular to a language. It learns the book's names first."""

    def learn(self, paragraph: Paragraph, pieces: Sequence[Piece]) -> None:
        """Take note of a paragraph in the first pass over the book."""

    def settle(self) -> None:
        """The first pass is over."""

    def guess(self, pieces: Sequence[Piece], memory: DialogueState) -> list[Attribution]:
        """A guess for every piece that is said, in order."""


def shared(guesses: list[Attribution]) -> list[Attribution]:
    """Where a paragraph is one person's turn, whoever is told to say one of its lines says them all."""
    told = [guess for guess in guesses if guess.speakers and guess.confidence > TURN]
    if len({guess.speakers for guess in told}) != 1:
        return guesses
    best = max(told, key=lambda guess: guess.confidence)
    return [
        guess if guess.unspoken or guess in told else Attribution(best.speakers, min(best.confidence, NEARBY))
        for guess in guesses
    ]
