"""Prompts and replies of both models: the only part of an evaluation that needs a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from math import isfinite
from typing import Protocol

from offbook.core.errors import UsageError
from offbook.core.progress import NullReporter, Reporter
from offbook.core.types import Conversation, Origin, Reply, Score, Turn
from offbook.evaluation.sides import Paired

Prompt = tuple[Turn, ...]
"""Turns up to where the character starts to speak."""


class Models(Protocol):
    """Base and tuned model, as the evaluation sees them."""

    def score(self, conversations: Sequence[Conversation], *, full_length: bool = False) -> list[Score]:
        """Token losses of both models on the replies of each conversation, its turns taken as they are.

        Args:
            conversations: what to score.
            full_length: cut nothing; otherwise what is longer than `data.max_length` is cut as in training.
        """
        ...

    def reply(self, prompts: Sequence[Prompt], *sides: bool) -> list[list[Reply]]:
        """Answers to all prompts, with the same decoding and the same random draws for both models.

        Args:
            prompts: what is answered.
            *sides: False for the base model, True for the tuned one; a list of answers comes for each.
        """
        ...


@dataclass(frozen=True, slots=True)
class PairedReply(Paired[Reply]):
    """A prompt and the two replies to it."""

    base: Reply
    tuned: Reply
    key: str
    """Pairs the prompts of two evaluations."""
    prompt: str
    reference: str
    """What the character really says there, or a plain good answer ("" where there is none)."""


@dataclass(frozen=True, slots=True)
class GeneralPrompt:
    """An everyday request that has nothing to do with any character."""

    language: str
    prompt: str
    answer: str
    shown: bool
    """Whether both models' replies to it are shown."""

    @property
    def conversation(self) -> Conversation:
        """Request and good answer, without a system prompt."""
        turns = (Turn("user", self.prompt), Turn("assistant", self.answer))
        return Conversation(turns, Origin("general_prompts.json", 1))


@dataclass(frozen=True, slots=True)
class ModelOutputs:
    """Everything the metrics read. `scores[i]` belongs to `heldout[i]`, `general_scores[i]` to `general[i]`."""

    train: Sequence[Conversation]
    """The character's training rows."""
    heldout: Sequence[Conversation]
    scores: Sequence[Score]
    replies: Sequence[PairedReply]
    """Replies to a sample of the held-out prompts."""
    sample_replies: Sequence[PairedReply]
    """Replies to `persona.sample_prompts`, which are shown, not judged."""
    general: Sequence[GeneralPrompt]
    general_scores: Sequence[Score]
    general_replies: Sequence[PairedReply]


def collect(
    models: Models,
    *,
    train: Sequence[Conversation],
    heldout: Sequence[Conversation],
    sample_prompts: Sequence[Prompt] = (),
    prompts: int,
    seed: int = 0,
    reporter: Reporter | None = None,
) -> ModelOutputs:
    """Ask both models everything that the scorecard needs.

    Args:
        models: base and tuned model.
        train: what the character was trained on; copying and fidelity compare with it.
        heldout: what it was not trained on, system prompts included.
        sample_prompts: fixed prompts whose replies are shown, not judged.
        prompts: how many different held-out prompts are answered.
        seed: chooses them.
        reporter: takes the stages; on a processor the whole takes minutes.

    Raises:
        UsageError: there is nothing to judge on, or a model's losses are not finite.
    """
    chosen = sample(heldout, prompts, seed)
    if not heldout:
        raise UsageError(
            "there are no held-out rows to judge on", "Give a file (--data FILE), or train with --data.heldout 0.05."
        )
    if not chosen:
        raise UsageError(
            "no held-out row has a prompt that the models could answer", "Give rows with a prompt: --data FILE."
        )
    general = general_prompts()
    reporter = reporter or NullReporter()
    reporter.stage(
        "Scoring held-out rows ({rows}) and everyday requests ({requests}) with both models",
        rows=len(heldout),
        requests=len(general),
    )
    scores, general_scores = (
        models.score(heldout),
        models.score([item.conversation for item in general], full_length=True),
    )
    if not all(isfinite(score.base) and isfinite(score.tuned) for score in [*scores, *general_scores]):
        raise UsageError(
            "the losses of the base or the tuned model are not finite (NaN or infinity), so there is nothing to "
            "compare",
            "The adapter is most likely ruined: train again with a lower --train.learning_rate.",
        )
    judged = [*[(row.turns[:-1], row.replies[-1]) for row in chosen], *[(turns, "") for turns in sample_prompts]]
    everyday = [(item.conversation.turns[:-1], item.answer) for item in general if item.shown]
    # All in one go: replies that grow side by side take hardly longer than a few.
    replies = _paired_replies(models, [*judged, *everyday])
    return ModelOutputs(
        train=train,
        heldout=heldout,
        scores=scores,
        replies=replies[: len(chosen)],
        sample_replies=replies[len(chosen) : len(judged)],
        general=general,
        general_scores=general_scores,
        general_replies=replies[len(judged) :],
    )


def sample(conversations: Sequence[Conversation], count: int, seed: int) -> list[Conversation]:
    """`count` conversations with different prompts; a larger count adds to a smaller one's choice."""
    answerable = [row for row in conversations if len(row.turns) > 1 and row.turns[-2].role == "user"]
    by_prompt = {row.turns[:-1]: row for row in reversed(answerable)}
    ranked = sorted(by_prompt.values(), key=lambda row: sha256(f"{seed} {key(row.turns)}".encode()).digest())
    return ranked[:count]


def key(turns: Sequence[Turn]) -> str:
    """A short hash of the turns without their system prompt, which pairs the rows of two evaluations."""
    spoken = json.dumps([[turn.role, turn.text] for turn in turns if turn.role != "system"], ensure_ascii=False)
    return sha256(spoken.encode()).hexdigest()[:12]


def general_prompts() -> list[GeneralPrompt]:
    """The general prompts that come with offbook, Chinese and English."""
    text = files("offbook.evaluation").joinpath("general_prompts.json").read_text(encoding="utf-8")
    return [
        GeneralPrompt(language, row["prompt"], row["answer"], row.get("shown", False))
        for language, rows in json.loads(text).items()
        for row in rows
    ]


def _paired_replies(models: Models, prompts: Sequence[tuple[Prompt, str]]) -> list[PairedReply]:
    """Both models' replies to (prompt, reference) pairs."""
    base_replies, tuned_replies = models.reply([prompt for prompt, _ in prompts], False, True)
    return [
        PairedReply(base, tuned, key(prompt), prompt[-1].text, reference)
        for (prompt, reference), base, tuned in zip(prompts, base_replies, tuned_replies, strict=True)
    ]
