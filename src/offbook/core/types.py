"""The plain values that pass from stage to stage: row (a dict) → Conversation → Example."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Role = Literal["system", "user", "assistant"]
"""Who speaks a turn. The character is always `assistant`."""

OriginKind = Literal["character", "replay"]
"""Whose lines a row holds: the character's, or general ones that keep the base model what it is (`data.replay`)."""

NO_LABEL = -100
"""The label of a position where no loss is taken (the value that torch's cross-entropy ignores)."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a conversation came from, so that every message about it can point there."""

    file: str
    line: int
    """1-based: the line of a text format, the row of a table or a JSON list."""
    scene: str | None = None
    """Scene, chapter or chat that the lines belong to; rows of one scene stay on one side of a split."""
    kind: OriginKind = "character"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said."""

    role: Role
    text: str
    weight: float = 1.0
    """0 for a reply of the character's that is read as context alone: no loss is taken on it."""
    has_stop_token: bool = True
    """False for a last reply that is only the beginning of one: that it stops there is not learned."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns in the order they were spoken; the last one is the character's."""

    turns: tuple[Turn, ...]
    origin: Origin
    rejected: str | None = None
    """The answer that its last reply was preferred to, where the row names one; nothing is learned from it."""

    @property
    def system(self) -> str | None:
        """The row's own system prompt, if it has one."""
        first = self.turns[0]
        return first.text if first.role == "system" else None

    @property
    def replies(self) -> tuple[str, ...]:
        """What the character says and the model must learn, in order."""
        return tuple(turn.text for turn in self.turns if turn.role == "assistant" and turn.weight)

    @property
    def prompt(self) -> str:
        """The text that the last reply answers ("" where the character opens the scene)."""
        prompts = [turn.text for turn in self.turns[:-1] if turn.role == "user"]
        return prompts[-1] if prompts else ""


@dataclass(frozen=True, slots=True)
class Example:
    """One training sequence: `len(ids) == len(labels)`.

    `labels[i]` is `ids[i]` where the model must learn to say that token, `NO_LABEL` elsewhere. As in transformers,
    the label at position i is predicted from position i − 1; position 0 therefore never carries one.
    """

    ids: list[int]
    labels: list[int]
    origin: Origin
    dropped_turns: int = field(default=0)
    """Turns that were left out at the front so that the sequence fits `data.max_length`."""
    cut_tokens: int = field(default=0)
    """Tokens of the last reply that did not fit; its ending token is then missing from the labels, never moved."""

    continues: bool = False
    """It is of the same conversation as the example before it: the template rewrites history, so that each reply is a
    sequence of its own."""

    @property
    def label_count(self) -> int:
        """How many positions take loss."""
        return sum(label != NO_LABEL for label in self.labels)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said to one prompt."""

    text: str
    stopped: bool
    """It ended by the ending token, within the limit."""
    tokens: int
    """Tokens generated, the ending token included."""


@dataclass(frozen=True, slots=True)
class Score:
    """How base and tuned model expect one conversation's label tokens; sums over them, in nats."""

    tokens: int
    base: float
    """Negative log-likelihood under the base model."""
    tuned: float
    """The same under the tuned model."""
    kl: float
    """Kullback–Leibler divergence of the tuned model's next-token distribution from the base's."""
    agreed: int
    """Positions at which both find the same token likeliest."""
