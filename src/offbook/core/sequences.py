"""What is asked of sequences everywhere: what two begin with alike, and how values are spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


def common_prefix(one: Sequence[object], other: Sequence[object]) -> int:
    """How many elements the two begin with alike."""
    return next(
        (index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of a histogram."""

    low: int
    """The smallest value that it counts."""
    high: int
    """The largest value that it counts."""
    count: int


def histogram(values: Sequence[int], bars: int = 20) -> list[Bin]:
    """Counts of the values (≥ 0) in at most `bars` equal steps from 0 to the largest, empty ones included."""
    if not values:
        return []
    step = max(values) // bars + 1
    counts = Counter(value // step for value in values)
    return [Bin(bar * step, (bar + 1) * step - 1, counts[bar]) for bar in range(max(values) // step + 1)]
