"""Several evaluations side by side, paired: where two runs were asked the same, only the answers differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from offbook.core.errors import UsageError
from offbook.evaluate import interval
from offbook.evaluate.metrics import FIGURES, Figure
from offbook.evaluate.scorecard import value
from offbook.evaluate.wording import wording


def compare(cards: Mapping[str, Mapping[str, Any]], lang: str = "en") -> dict[str, Any]:
    """Every figure of every run, and its paired difference from the first run's.

        {"runs": ["a", "b"], "figures": [{"name", "title", "better", "style",
            "runs": [{"value", "interval", "difference", "difference_interval", "pairs", "clear"}, …]}, …]}

    A difference is taken over the items that both runs answered (`pairs`: how many) and is `clear` when its interval
    leaves out zero. It is None for the first run, and where fewer than two items are shared.

    Args:
        cards: run name → its eval.json, in the order to show.

    Raises:
        UsageError: fewer than two runs.
    """
    if len(cards) < 2:
        raise UsageError("one run alone has nothing to be compared with", "Name two runs or more.")
    return {"runs": list(cards), "figures": [_figure(figure, list(cards.values()), lang) for figure in FIGURES]}


def _figure(figure: Figure, cards: list[Mapping[str, Any]], lang: str) -> dict[str, Any]:
    return {
        "name": figure.path,
        "title": wording(lang)["figures"][figure.path]["title"],
        "better": figure.better,
        "style": figure.style,
        "runs": [
            {
                "value": value(card, figure.path),
                "interval": figure.interval(card),
                **(_difference(figure.items(card), figure.items(cards[0])) if index else _NONE),
            }
            for index, card in enumerate(cards)
        ],
    }


_NONE: dict[str, Any] = {"difference": None, "difference_interval": None, "pairs": 0, "clear": False}


def _difference(after: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Difference of two weighted means over the shared items; the weights of both runs are resampled together."""
    shared = [key for key in after if key in before]
    if len(shared) < 2:
        return {**_NONE, "pairs": len(shared)}
    found, (low, high) = interval.ratio_difference([after[key] for key in shared], [before[key] for key in shared])
    return {
        "difference": round(found, 6),
        "difference_interval": [low, high],
        "pairs": len(shared),
        "clear": low > 0 or high < 0,
    }
