"""Forgetting: how far the tuned model has drifted from the base on everyday requests, asked without any character."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from offbook.core.types import Score
from offbook.evaluation import confidence
from offbook.evaluation.confidence import Estimate, Interval
from offbook.evaluation.metric import Metric, ReportedMetric, Weighted, Words
from offbook.evaluation.responses import ModelOutputs
from offbook.evaluation.sides import Side


@dataclass(frozen=True, slots=True)
class LanguageDrift:
    """Drift on the requests of one language, in nats per token."""

    kl: float
    loss_shift: float


@dataclass(frozen=True, slots=True)
class RequestDrift:
    """Drift on the answer to one request, summed over its tokens, in nats."""

    kl: float
    base: float
    """Negative log-likelihood of the answer under the base model."""
    tuned: float
    """The same under the tuned model."""
    tokens: int


@dataclass(frozen=True, slots=True)
class Forgetting:
    """The section `forgetting` of eval.json."""

    kl: float
    """KL(base ‖ tuned) in nats per token."""
    interval: Interval
    prompts: int
    tokens: int
    loss_shift: Estimate
    """How much worse the tuned model expects the good answers, in nats per token."""
    same_token_share: float
    """Share of positions at which both find the same token likeliest."""
    by_language: dict[str, LanguageDrift]
    items: tuple[RequestDrift, ...]
    """One for each of the scorecard's general prompts."""


def measure(outputs: ModelOutputs) -> Forgetting:
    """Drift of the tuned model from the base on good answers to the general prompts."""
    scores = outputs.general_scores
    tokens = [score.tokens for score in scores]
    kl = confidence.mean([score.kl for score in scores], tokens)
    languages = dict.fromkeys(item.language for item in outputs.general)
    return Forgetting(
        kl=kl.value,
        interval=kl.interval,
        prompts=len(scores),
        tokens=sum(tokens),
        loss_shift=confidence.difference([s.tuned for s in scores], [s.base for s in scores], tokens),
        same_token_share=round(sum(score.agreed for score in scores) / sum(tokens), 6),
        by_language={
            language: _drift([s for item, s in zip(outputs.general, scores, strict=True) if item.language == language])
            for language in languages
        },
        items=tuple(RequestDrift(round(s.kl, 6), round(s.base, 6), round(s.tuned, 6), s.tokens) for s in scores),
    )


def _drift(scores: Sequence[Score]) -> LanguageDrift:
    tokens = sum(score.tokens for score in scores)
    return LanguageDrift(
        kl=round(sum(score.kl for score in scores) / tokens, 6),
        loss_shift=round(sum(score.tuned - score.base for score in scores) / tokens, 6),
    )


def _value(section: Forgetting, side: Side) -> float | None:
    return section.kl if side is Side.TUNED else None


def _items(section: Forgetting, side: Side) -> Sequence[Weighted | None]:
    return [(item.kl, item.tokens) if side is Side.TUNED else None for item in section.items]


METRIC = Metric(
    "forgetting",
    Forgetting,
    measure,
    [
        ReportedMetric(
            "forgetting.kl",
            Forgetting,
            _value,
            _items,
            table="general",
            better="lower",
            unit="number",
            same_weights=True,
            words=Words(
                "Forgetting (KL)",
                "How far it has drifted from the base model on everyday requests, per token. 0 is not at all.",
            ),
        )
    ],
)
