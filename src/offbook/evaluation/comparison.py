"""Several evaluations side by side, paired: where two runs were asked the same, only the answers differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scipy.stats import binomtest

from offbook.core.errors import UsageError
from offbook.evaluation import confidence
from offbook.evaluation.messages import wording
from offbook.evaluation.metrics import FIGURES, Items, ReportedMetric
from offbook.evaluation.scorecard import value


def compare(cards: Mapping[str, Mapping[str, Any]], lang: str = "en") -> dict[str, Any]:
    """Every figure of every run, and its paired difference from the first run's.

        {"runs": ["a", "b"], "figures": [{"name", "title", "better", "style",
            "runs": [{"value", "interval", "difference", "difference_interval", "pairs", "clear"}, …]}, …]}

    A difference is taken over the items that both runs answered (`pairs`: how many). It is `clear` when there are ten
    of them or more and its interval leaves out zero; of yes-or-no items (a reply ended, or not) when as many changes
    one way are unlikely (p < 0.05 in McNemar's exact test). It is None for the first run, where fewer than two items
    are shared, and where the two numbers are not on one scale: losses per token of two tokenizers, scores by other
    judges.

    Args:
        cards: run name → its eval.json, in the order to show.

    Raises:
        UsageError: fewer than two runs.
    """
    if len(cards) < 2:
        raise UsageError("one run alone has nothing to be compared with", "Name two runs or more.")
    return {"runs": list(cards), "figures": [_figure(figure, list(cards.values()), lang) for figure in FIGURES]}


def _figure(figure: ReportedMetric, cards: list[Mapping[str, Any]], lang: str) -> dict[str, Any]:
    return {
        "name": figure.path,
        "title": wording(lang)["figures"][figure.path]["title"],
        "better": figure.better,
        "style": figure.style,
        "runs": [
            {
                "value": value(card, figure.path),
                "interval": figure.interval(card),
                **(_between(figure, cards[0], card) if index else NONE),
            }
            for index, card in enumerate(cards)
        ],
    }


NONE: dict[str, Any] = {"difference": None, "difference_interval": None, "pairs": 0, "clear": False}


def _between(figure: ReportedMetric, first: Mapping[str, Any], card: Mapping[str, Any]) -> dict[str, Any]:
    """A run's difference from the first one's."""
    judges = [each["fidelity"]["classifier"]["against"] for each in (first, card)]
    if figure.item == "fidelity" and judges[0] != judges[1]:
        return NONE
    before, after = figure.items(first), figure.items(card)
    if figure.weight == "tokens" and any(before[key][1] != after[key][1] for key in before if key in after):
        return NONE
    return difference(figure, after, before)


def difference(figure: ReportedMetric, after: Items, before: Items) -> dict[str, Any]:
    """Difference of two weighted means over the shared items; the weights of both are resampled together."""
    shared = [key for key in after if key in before]
    if len(shared) < 2:
        return {**NONE, "pairs": len(shared)}
    pairs = [after[key] for key in shared], [before[key] for key in shared]
    found, (low, high) = confidence.ratio_difference(*pairs)
    return {
        "difference": round(found, 6),
        "difference_interval": [low, high],
        "pairs": len(shared),
        "clear": _is_unlikely(*pairs)
        if figure.is_yes_or_no
        else len(shared) >= confidence.ENOUGH and (low > 0 or high < 0),
    }


def _is_unlikely(after: Sequence[tuple[float, float]], before: Sequence[tuple[float, float]]) -> bool:
    """McNemar's test (1947), exact: were the items that changed as likely to change the other way?"""
    changes = [new > old for (new, _), (old, _) in zip(after, before, strict=True) if new != old]
    return bool(changes) and bool(binomtest(sum(changes), len(changes)).pvalue < 0.05)
