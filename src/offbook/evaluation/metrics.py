"""The metrics. One more is a function in this package and an entry here, which the page and `runs compare` read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from offbook.evaluation import confidence, copying, fidelity, forgetting, heldout_loss, stopping
from offbook.evaluation.metric_result import MetricResult
from offbook.evaluation.responses import ModelOutputs

Side = Literal["base", "tuned"]
Items = Mapping[str, tuple[float, float]]
"""key → (value, weight)."""


@dataclass(frozen=True, slots=True)
class ReportedMetric:
    """One number of the scorecard, as people compare it, and where the items behind it stand. Its title and what it
    means stand in wording.*.json."""

    path: str
    """Where the tuned model's value stands in eval.json, dotted; the base's stands where `tuned` reads `base`."""
    table: str
    """The list of eval.json that holds the items: rows, replies, general."""
    item: str
    """An item's part of the value, under `base` and `tuned`."""
    weight: str | None
    """Over how many things (tokens, words) that part is summed; None: each item counts once."""
    better: Literal["higher", "lower"]
    style: Literal["number", "percent"]

    @property
    def is_yes_or_no(self) -> bool:
        """Whether each item counts as a hit or not."""
        return self.style == "percent" and self.weight is None

    def items(self, card: Mapping[str, Any], side: Side = "tuned") -> Items:
        """Every item that has a value; of those with one key, the second is called key#2, and so on."""
        found: dict[str, tuple[float, float]] = {}
        seen: Counter[str] = Counter()
        for item in card[self.table]:
            seen[item["key"]] += 1
            value = item[side].get(self.item)
            if value is not None:
                weight = 1 if self.weight is None else item[side].get(self.weight, item.get(self.weight))
                number = seen[item["key"]]
                found[item["key"] if number == 1 else f"{item['key']}#{number}"] = (float(value), float(weight))
        return found

    def interval(self, card: Mapping[str, Any], side: Side = "tuned") -> confidence.Interval | None:
        """The 95 % interval of the value, or None where no item has one."""
        pairs = list(self.items(card, side).values())
        if not pairs:
            return None
        if self.is_yes_or_no:
            return confidence.share([value > 0 for value, _ in pairs])[1]
        return confidence.mean([value for value, _ in pairs], [weight for _, weight in pairs])[1]


@dataclass(frozen=True, slots=True)
class Metric:
    """A section of the scorecard and its figures."""

    measure: Callable[[ModelOutputs], MetricResult]
    figures: Sequence[ReportedMetric]


METRICS: dict[str, Metric] = {
    "heldout": Metric(
        heldout_loss.measure,
        [ReportedMetric("heldout.tuned.loss", "rows", "nll", "tokens", "lower", "number")],
    ),
    "fidelity": Metric(
        fidelity.measure,
        [
            ReportedMetric("fidelity.tuned.score", "replies", "fidelity", None, "higher", "number"),
            ReportedMetric("fidelity.tuned.chrf.value", "replies", "chrf", None, "higher", "number"),
        ],
    ),
    "copying": Metric(
        copying.measure,
        [
            ReportedMetric("copying.tuned.near_verbatim_share", "replies", "near_verbatim", None, "lower", "percent"),
            ReportedMetric("copying.tuned.lifted_share", "replies", "lifted", "words", "lower", "percent"),
        ],
    ),
    "forgetting": Metric(
        forgetting.measure,
        [ReportedMetric("forgetting.kl", "general", "kl", "tokens", "lower", "number")],
    ),
    "stops": Metric(
        stopping.measure,
        [
            ReportedMetric("stops.tuned.share", "replies", "stopped", None, "higher", "percent"),
            ReportedMetric("stops.tuned.loops", "replies", "loop", None, "lower", "percent"),
        ],
    ),
}

FIGURES = [figure for metric in METRICS.values() for figure in metric.figures]
