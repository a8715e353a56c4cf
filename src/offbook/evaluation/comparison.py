"""Several evaluations side by side, paired: where two runs were asked the same, only the replies differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import comb
from typing import Any, Literal

from offbook.core.errors import UsageError
from offbook.core.i18n import translated
from offbook.evaluation import confidence
from offbook.evaluation.confidence import Interval
from offbook.evaluation.metric import ReportedMetric, Weighted
from offbook.evaluation.metrics import REPORTED
from offbook.evaluation.scorecard import Items, Scorecard


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference over the items that both sides have."""

    difference: float | None = None
    difference_interval: Interval | None = None
    pairs: int = 0
    significant: bool = False
    """Whether it is more than chance."""


@dataclass(frozen=True, slots=True)
class ComparedValue:
    """One number of one run, and its difference from the first run's."""

    value: float | None
    interval: Interval | None
    difference: float | None
    difference_interval: Interval | None
    pairs: int
    significant: bool


@dataclass(frozen=True, slots=True)
class ComparedMetric:
    """One number of every run, in the order of the runs."""

    name: str
    title: str
    better: Literal["higher", "lower"]
    unit: Literal["number", "percent"]
    runs: tuple[ComparedValue, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side."""

    runs: tuple[str, ...]
    metrics: tuple[ComparedMetric, ...]

    def metric(self, name: str) -> ComparedMetric:
        """The metric of that name."""
        return next(metric for metric in self.metrics if metric.name == name)

    def to_json(self) -> dict[str, Any]:
        """As `runs compare --json` prints it."""
        return asdict(self)


def compare(cards: Mapping[str, Scorecard], lang: str = "en") -> Comparison:
    """Every reported metric of every run, and its paired difference from the first run's.

    A difference is taken over the items that both runs answered (`pairs`: how many). It is `significant` when there
    are ten of them or more and its interval leaves out zero; of yes-or-no items (a reply ended, or not) when as many
    changes one way are unlikely (p < 0.05 in McNemar's exact test). It is None for the first run, where fewer than
    two items are shared, and where the two numbers are not on one scale: losses per token of two tokenizers, scores
    by other judges.

    Args:
        cards: run name → its scorecard, in the order to show.
        lang: language of the titles.

    Raises:
        UsageError: fewer than two runs.
    """
    if len(cards) < 2:
        raise UsageError("there is nothing to compare a single run with", "Name two or more runs.")
    first, *others = cards.values()
    metrics = tuple(
        ComparedMetric(
            metric.name,
            translated(metric.words.title, lang),
            metric.better,
            metric.unit,
            (
                _value(metric, first, Difference()),
                *(_value(metric, card, _from(metric, first, card)) for card in others),
            ),
        )
        for metric in REPORTED.values()
    )
    return Comparison(tuple(cards), metrics)


def difference(metric: ReportedMetric[Any], after: Items, before: Items) -> Difference:
    """Difference of two weighted means over the shared items; the weights of both are resampled together."""
    shared = [key for key in after if key in before]
    if len(shared) < 2:
        return Difference(pairs=len(shared))
    new, old = [after[key] for key in shared], [before[key] for key in shared]
    change = confidence.ratio_difference(new, old)
    low, high = change.interval
    significant = (
        _is_unlikely(new, old) if metric.yes_or_no else len(shared) >= confidence.ENOUGH and (low > 0 or high < 0)
    )
    return Difference(change.value, change.interval, len(shared), significant)


def _value(metric: ReportedMetric[Any], card: Scorecard, change: Difference) -> ComparedValue:
    return ComparedValue(card.value(metric), card.interval(metric), **asdict(change))


def _from(metric: ReportedMetric[Any], first: Scorecard, card: Scorecard) -> Difference:
    """A run's difference from the first one's, where both numbers are on one scale."""
    if not metric.comparable(first.section(metric.section), card.section(metric.section)):
        return Difference()
    before, after = first.items(metric), card.items(metric)
    if metric.same_weights and any(before[key][1] != after[key][1] for key in before if key in after):
        return Difference()
    return difference(metric, after, before)


def _is_unlikely(after: Sequence[Weighted], before: Sequence[Weighted]) -> bool:
    """McNemar's test (1947), exact: were the items that changed as likely to change the other way?"""
    changes = [new > old for (new, _), (old, _) in zip(after, before, strict=True) if new != old]
    fewer = min(sum(changes), len(changes) - sum(changes))
    one_tail = sum(comb(len(changes), count) for count in range(fewer + 1)) / 2 ** len(changes)
    return 2 * one_tail < 0.05
