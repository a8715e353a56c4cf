"""What the two models were asked and what came back: the only part of an evaluation that needs a model."""

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

Prompt = tuple[Turn, ...]
"""Turns up to where the character starts to speak."""


class Models(Protocol):
    """Base and tuned model, as the evaluation sees them."""

    def score(self, conversations: Sequence[Conversation], *, whole: bool = False) -> list[Score]:
        """Token losses of both on the replies of each conversation, its turns taken as they are; what is longer than
        the run's rows may be is cut as there, unless `whole`."""
        ...

    def reply(self, prompts: Sequence[Prompt], *, tuned: bool) -> list[Reply]:
        """An answer to each prompt, with the same decoding and the same luck for both."""
        ...


@dataclass(frozen=True, slots=True)
class PairedReply:
    """A prompt and the two answers to it."""

    key: str
    prompt: str
    reference: str
    """What the character really says there, or a plain good answer ("" where there is none)."""
    base: Reply
    tuned: Reply


@dataclass(frozen=True, slots=True)
class GeneralPrompt:
    """An everyday request that has nothing to do with any character."""

    language: str
    prompt: str
    answer: str
    shown: bool

    @property
    def conversation(self) -> Conversation:
        turns = (Turn("user", self.prompt), Turn("assistant", self.answer))
        return Conversation(turns, Origin("general_prompts.json", 1))


@dataclass(frozen=True, slots=True)
class ModelOutputs:
    """Everything the metrics read. `scores[i]` belongs to `heldout[i]`, `general_scores[i]` to `general[i]`."""

    train: Sequence[Conversation]
    heldout: Sequence[Conversation]
    scores: Sequence[Score]
    exchanges: Sequence[PairedReply]
    """Answers to a sample of the held-out prompts."""
    sample_prompts: Sequence[PairedReply]
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
        train: what the character was trained on; copying and fidelity compare with it.
        heldout: what it was not trained on, system prompts included.
        sample_prompts: fixed prompts whose answers are shown, not judged.
        prompts: how many different held-out prompts are answered.
        seed: chooses them.
        reporter: takes the stages; on a processor the whole takes minutes.

    Raises:
        UsageError: there is nothing to judge on, or a model's losses are no numbers.
    """
    if not heldout:
        raise UsageError(
            "there are no held-out rows to judge on", "Give a file (--data FILE), or train with --data.heldout 0.05."
        )
    asked = sample(heldout, prompts, seed)
    if not asked:
        raise UsageError(
            "no held-out row has a prompt that the models could answer", "Give rows with a prompt: --data FILE."
        )
    general = general_prompts()
    reporter = reporter or NullReporter()
    reporter.stage(
        "Scoring {rows} held-out rows and {requests} everyday requests with both models",
        rows=len(heldout),
        requests=len(general),
    )
    scores, general_scores = models.score(heldout), models.score([item.conversation for item in general], whole=True)
    if not all(isfinite(score.base) and isfinite(score.tuned) for score in [*scores, *general_scores]):
        raise UsageError(
            "the losses of base or tuned model are no numbers (NaN or infinite): there is nothing to compare",
            "The adapter is spoiled, most likely: train again with a lower --train.learning_rate.",
        )
    judged = [*[(row.turns[:-1], row.replies[-1]) for row in asked], *[(turns, "") for turns in sample_prompts]]
    exchanges = _exchange(models, judged, reporter)
    everyday = [(item.conversation.turns[:-1], item.answer) for item in general if item.shown]
    return ModelOutputs(
        train=train,
        heldout=heldout,
        scores=scores,
        exchanges=exchanges[: len(asked)],
        sample_prompts=exchanges[len(asked) :],
        general=general,
        general_scores=general_scores,
        general_replies=_exchange(models, everyday, reporter),
    )


def sample(conversations: Sequence[Conversation], count: int, seed: int) -> list[Conversation]:
    """`count` conversations with different prompts; a larger count adds to a smaller one's choice."""
    answerable = [row for row in conversations if len(row.turns) > 1 and row.turns[-2].role == "user"]
    by_prompt = {row.turns[:-1]: row for row in reversed(answerable)}
    ranked = sorted(by_prompt.values(), key=lambda row: sha256(f"{seed} {key(row.turns)}".encode()).digest())
    return ranked[:count]


def key(turns: Sequence[Turn]) -> str:
    """A short name for what was said, the same in every run, whatever its system prompt: it pairs the rows of two
    evaluations."""
    said = json.dumps([[turn.role, turn.text] for turn in turns if turn.role != "system"], ensure_ascii=False)
    return sha256(said.encode()).hexdigest()[:12]


def general_prompts() -> list[GeneralPrompt]:
    """The general prompts that come with offbook, Chinese and English."""
    text = files("offbook.evaluation").joinpath("general_prompts.json").read_text(encoding="utf-8")
    return [
        GeneralPrompt(language, row["prompt"], row["answer"], row.get("shown", False))
        for language, rows in json.loads(text).items()
        for row in rows
    ]


def _exchange(models: Models, asked: Sequence[tuple[Prompt, str]], reporter: Reporter) -> list[PairedReply]:
    prompts = [turns for turns, _ in asked]
    replies = {}
    for tuned in (False, True):
        reporter.stage(
            "The tuned model answers {count} prompts" if tuned else "The base model answers {count} prompts",
            count=len(prompts),
        )
        replies[tuned] = models.reply(prompts, tuned=tuned)
    return [
        PairedReply(key(turns), turns[-1].text, reference, replies[False][index], replies[True][index])
        for index, (turns, reference) in enumerate(asked)
    ]
