"""The held-out loss over a run: which checkpoint was best, and when it is time to stop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def points(lines: Iterable[Mapping[str, Any]], key: str) -> list[tuple[int, float]]:
    """(step, value) of the lines of metrics.jsonl that carry `key`, by step; of a step taken twice, the later."""
    return sorted({line["step"]: line[key] for line in lines if line.get(key) is not None}.items())


def best_step(lines: Iterable[Mapping[str, Any]], among: Sequence[int] | None = None) -> int | None:
    """The step with the lowest held-out loss, the earliest of equals; None where none was taken.

    Args:
        among: only these steps (the checkpoints that are still on disk, say).
    """
    taken = [(loss, step) for step, loss in points(lines, "heldout_loss") if among is None or step in among]
    return min(taken)[1] if taken else None


def stalled(lines: Iterable[Mapping[str, Any]], patience: int) -> bool:
    """Whether the last `patience` held-out losses all failed to go below the best before them."""
    losses = [loss for _, loss in points(lines, "heldout_loss")]
    return len(losses) > patience and min(losses[-patience:]) >= min(losses[:-patience])
