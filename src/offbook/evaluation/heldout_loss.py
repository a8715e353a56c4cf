"""Held-out loss: how well each model expects lines that training never showed it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp
from pathlib import PurePath

from offbook.core.types import Conversation, Score
from offbook.evaluation import confidence
from offbook.evaluation.confidence import Interval
from offbook.evaluation.metric import Metric, ReportedMetric, Weighted, Words
from offbook.evaluation.responses import ModelOutputs
from offbook.evaluation.sides import MODELS, Paired, Side

LENGTHS = ((15, "1–15"), (40, "16–40"), (100, "41–100"), (None, "101–"))
"""Classes of reply length in tokens: (last of the class, name)."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A model's loss on the held-out rows."""

    loss: float
    """Nats per label token."""
    interval: Interval
    perplexity: float
    """e to the power of the loss."""


@dataclass(frozen=True, slots=True)
class LossDifference:
    """The tuned model's loss less the base's, paired by row."""

    loss: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class LossGain:
    """By what share of the base's loss the tuned model's lies below it: how much was learned."""

    share: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class RowLoss(Paired[float]):
    """The losses of one row, summed over its label tokens, in nats."""

    base: float
    tuned: float
    tokens: int


@dataclass(frozen=True, slots=True)
class RowGroup(Paired[float]):
    """The losses of some of the rows, in nats per token."""

    base: float
    tuned: float
    name: str
    rows: int
    tokens: int


@dataclass(frozen=True, slots=True)
class HeldoutLoss(Paired[Loss]):
    """The section `heldout` of eval.json."""

    base: Loss
    tuned: Loss
    rows: int
    tokens: int
    training_rows: int
    """Rows of the character's that the tuned model was trained on."""
    difference: LossDifference
    gain: LossGain
    by_length: tuple[RowGroup, ...]
    by_source: tuple[RowGroup, ...]
    items: tuple[RowLoss, ...]
    """One for each of the scorecard's rows."""


def measure(outputs: ModelOutputs) -> HeldoutLoss:
    """Loss per label token of base and tuned model, and of their difference, with intervals over conversations."""
    scores = outputs.scores
    tokens = [score.tokens for score in scores]
    base, tuned = [score.base for score in scores], [score.tuned for score in scores]
    change = confidence.difference(tuned, base, tokens)
    gain = confidence.difference(base, tuned, base)
    return HeldoutLoss(
        base=_loss(base, tokens),
        tuned=_loss(tuned, tokens),
        rows=len(scores),
        tokens=sum(tokens),
        training_rows=len(outputs.train),
        difference=LossDifference(change.value, change.interval),
        gain=LossGain(gain.value, gain.interval),
        by_length=_split(outputs, lambda _, score: _length(score.tokens), [name for _, name in LENGTHS]),
        by_source=_split(outputs, lambda row, _: PurePath(row.origin.file).name),
        items=tuple(RowLoss(round(score.base, 6), round(score.tuned, 6), score.tokens) for score in scores),
    )


def _loss(losses: Sequence[float], tokens: Sequence[int]) -> Loss:
    estimate = confidence.mean(losses, tokens)
    return Loss(estimate.value, estimate.interval, perplexity=round(exp(min(estimate.value, 50)), 6))


def _length(tokens: int) -> str:
    return next(name for last, name in LENGTHS if last is None or tokens <= last)


def _split(
    outputs: ModelOutputs, group: Callable[[Conversation, Score], str], order: Sequence[str] = ()
) -> tuple[RowGroup, ...]:
    """Rows, tokens and both losses of each group, in the given order or in that of the names."""
    groups: dict[str, list[Score]] = {name: [] for name in order}
    for row, score in zip(outputs.heldout, outputs.scores, strict=True):
        groups.setdefault(group(row, score), []).append(score)
    named = groups.items() if order else sorted(groups.items())
    return tuple(_group(name, scores) for name, scores in named if sum(score.tokens for score in scores))


def _group(name: str, scores: Sequence[Score]) -> RowGroup:
    tokens = sum(score.tokens for score in scores)
    base, tuned = sum(score.base for score in scores) / tokens, sum(score.tuned for score in scores) / tokens
    return RowGroup(round(base, 6), round(tuned, 6), name, len(scores), tokens)


def _value(section: HeldoutLoss, side: Side) -> float | None:
    return section.of(side).loss if side in MODELS else None


def _items(section: HeldoutLoss, side: Side) -> Sequence[Weighted | None]:
    return [(item.of(side), item.tokens) for item in section.items]


METRIC = Metric(
    "heldout",
    HeldoutLoss,
    measure,
    [
        ReportedMetric(
            "heldout.tuned.loss",
            HeldoutLoss,
            _value,
            _items,
            table="rows",
            better="lower",
            unit="number",
            same_weights=True,
            words=Words(
                "Held-out loss",
                "How surprised the model is by lines it has never seen, per token. The main measure of learning.",
            ),
        )
    ],
)
