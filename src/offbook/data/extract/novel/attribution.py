"""The question that the novel readers answer: who says this quoted line, and how sure is that?"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Protocol

from offbook.data.extract.novel.quotes import TextSpan

NAMED = 0.95
"""A name and a verb of speech beside the quoted line."""
NEARBY = 0.9
"""The verb beside it, the name earlier in the sentence."""
ACTS = 0.7
"""Somebody does something beside it."""
PRONOUN = 0.6
"""He or she says it: whoever was named last."""
TURN = 0.5
"""Nobody is named: two people speak by turns."""
NOBODY = 0.0


@cache
def _table(language: str) -> dict[str, list[tuple[float, float]]]:
    """What tells who speaks → (least probability, share of lines that are right) of its classes, in rising order."""
    text = files(__package__).joinpath("confidence.json").read_text(encoding="utf-8")
    return {kind: [(low, share) for low, share in classes] for kind, classes in json.loads(text)[language].items()}


def has_class(language: str, kind: str) -> bool:
    """Whether a language counts what tells who speaks as a kind of its own."""
    return kind in _table(language)


def classify(language: str, kind: str, probability: float) -> tuple[str, float]:
    """The class of an attribution: what tells, and the least probability of its class."""
    return kind, max(low for low, _ in _table(language)[kind] if low <= probability)


def confidence(language: str, kind: str, probability: float) -> float:
    """How often lines of a class were right in books whose speakers are known (`benchmarks/extract_confidence.py`).

    Args:
        language: a language of `confidence.json`.
        kind: what tells who speaks, such as "name" or "pronoun".
        probability: the speaker's probability as the reader works it out.
    """
    kind, low = classify(language, kind, probability)
    return dict(_table(language)[kind])[low]


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
    """The attribution of the last quoted line that was spoken."""
    goes_on: bool = False
    """Whether the next quoted line goes on with it: it was left open at the end of its paragraph."""
    _left_open: bool = False

    def begin_paragraph(self, pieces: Sequence[TextSpan]) -> None:
        """The next paragraph is looked at."""
        self.goes_on = self._left_open and bool(pieces) and pieces[0].is_quote
        self._left_open = bool(pieces) and pieces[-1].is_quote and pieces[-1].open

    def spoke(self, attribution: Attribution) -> None:
        """Somebody has spoken."""
        self.last, self.goes_on = attribution, False
        if attribution.speakers:
            self.subject = attribution.speakers[0]
            if not self.turns or self.turns[-1] != attribution.speakers:
                self.turns.append(attribution.speakers)

    def other(self) -> tuple[str, ...]:
        """Of two who speak by turns, the one whose turn it is; who has not ended goes on."""
        if self.goes_on and self.last:
            return self.last.speakers
        return self.turns[0] if len(self.turns) == 2 and self.turns[0] != self.turns[1] else ()


class Attributor(Protocol):
    """What is particular to a language. It learns the book's names first."""

    @property
    def many_in_one(self) -> bool:
        """Whether several people speak in one paragraph, as in the old Chinese novels."""

    @property
    def cuts_by_names(self) -> bool:
        """Whether paragraphs are cut otherwise once the book's people are known, as where no marks stand."""

    def split(self, text: str) -> list[TextSpan]:
        """A paragraph cut into what is told and what is said."""

    def learn(self, pieces: Sequence[TextSpan]) -> None:
        """Take note of a paragraph in the first pass over the book."""

    def finish(self) -> None:
        """The first pass is over."""

    def attribute(self, scene: Sequence[Sequence[TextSpan]]) -> list[list[Attribution]]:
        """The speaker of each quoted piece of each paragraph of a scene, in order."""


def shared(attributions: list[Attribution]) -> list[Attribution]:
    """Where a paragraph is one person's turn, whoever is told to say one of its lines says them all."""
    sure = [each for each in attributions if each.speakers and each.confidence > TURN]
    if len({each.speakers for each in sure}) != 1:
        return attributions
    best = max(sure, key=lambda each: each.confidence)
    return [
        each if each.unspoken or each in sure else Attribution(best.speakers, min(best.confidence, NEARBY))
        for each in attributions
    ]
