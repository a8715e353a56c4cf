"""The held-out loss over a run: which checkpoint was best, and when it is time to stop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any


def points(lines: Iterable[Mapping[str, Any]], key: str) -> list[tuple[int, float]]:
    """(step, value) of the lines of metrics.jsonl that carry a finite `key`, by step; of a step taken twice, the
    later."""
    found = {line["step"]: line[key] for line in lines if line.get(key) is not None}
    return sorted((step, value) for step, value in found.items() if isfinite(value))


def best_step(lines: Iterable[Mapping[str, Any]]) -> int | None:
    """The step with the lowest held-out loss after training began, the earliest of equals; None where none was
    taken."""
    taken = [(loss, step) for step, loss in points(lines, "heldout_loss") if step > 0]
    return min(taken)[1] if taken else None


def stalled(lines: Iterable[Mapping[str, Any]], patience: int) -> bool:
    """Whether the last `patience` held-out losses all failed to go below the best before them."""
    losses = [loss for _, loss in points(lines, "heldout_loss")]
    return len(losses) > patience and min(losses[-patience:]) >= min(losses[:-patience])
