"""How sure a number is: 95 % intervals over conversations."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np

RESAMPLES = 2000
ENOUGH = 10
"""Fewer items make nothing clear: of two or three the bootstrap's 95 % interval misses the truth every third time."""
Z = 1.96

Interval = list[float]


def mean(values: Sequence[float], weights: Sequence[float] | None = None) -> tuple[float, Interval]:
    """Weighted mean and its percentile bootstrap interval (Efron 1979), whole items drawn again.

    `values[i]` is the sum over item i and `weights[i]` how many things it sums over: the token losses of a conversation
    and its tokens give the loss per token. Without weights each item counts once.
    """
    items = np.column_stack([values, np.ones(len(values)) if weights is None else weights])
    return float(_ratio(items.sum(0))), _percentiles(_ratio(_resampled(items)))


def difference(
    after: Sequence[float], before: Sequence[float], weights: Sequence[float] | None = None
) -> tuple[float, Interval]:
    """Mean of `after` − `before`, item by item, and its interval: what both share (a hard conversation) cancels."""
    return mean([a - b for a, b in zip(after, before, strict=True)], weights)


def gap(values: Sequence[float], others: Sequence[float]) -> tuple[float, Interval]:
    """Difference of the means of two independent samples, and its interval; each is drawn again by itself."""
    sides = [np.column_stack([side, np.ones(len(side))]) for side in (values, others)]
    change = np.subtract(*(_ratio(_resampled(items, seed)) for seed, items in enumerate(sides)))
    return float(np.mean(values) - np.mean(others)), _percentiles(change)


def ratio_difference(
    after: Sequence[tuple[float, float]], before: Sequence[tuple[float, float]]
) -> tuple[float, Interval]:
    """As `difference`, of (value, weight) pairs whose weights may differ too; both sides are resampled together."""
    items = np.column_stack([after, before]).astype(float)
    total, drawn = items.sum(0), _resampled(items)
    change = _ratio(drawn[:, :2]) - _ratio(drawn[:, 2:])
    return float(_ratio(total[:2]) - _ratio(total[2:])), _percentiles(change)


def share(hits: Sequence[bool]) -> tuple[float, Interval]:
    """Share of hits and its Wilson interval (1927), which stays honest at 0 % and 100 %."""
    count = len(hits)
    p = sum(hits) / count
    centre = (p + Z**2 / (2 * count)) / (1 + Z**2 / count)
    reach = Z / (1 + Z**2 / count) * sqrt(p * (1 - p) / count + Z**2 / (4 * count**2))
    return p, [_rounded(max(centre - reach, 0.0)), _rounded(min(centre + reach, 1.0))]


def share_difference(hits: Sequence[bool], others: Sequence[bool]) -> tuple[float, Interval]:
    """Difference of the shares of two independent samples, and its interval (Newcombe 1998, method 10)."""
    (p, (low, high)), (q, (least, most)) = share(hits), share(others)
    below, above = sqrt((p - low) ** 2 + (most - q) ** 2), sqrt((high - p) ** 2 + (q - least) ** 2)
    return p - q, [_rounded(p - q - below), _rounded(p - q + above)]


def entry(name: str, estimate: tuple[float, Interval]) -> dict[str, Any]:
    """An estimate as it stands in eval.json: `{name: value, "interval": [low, high]}`."""
    return {name: _rounded(estimate[0]), "interval": estimate[1]}


def _resampled(items: np.ndarray, seed: int = 0) -> np.ndarray:
    """Column sums of every resample, (RESAMPLES, columns); the draws depend on seed and number of items alone."""
    count = len(items)
    return (
        np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=RESAMPLES).astype(float) @ items
    )


def _ratio(sums: np.ndarray) -> np.ndarray:
    """Value by weight; a resample that drew nothing of weight counts as 0."""
    value, weight = sums[..., 0], sums[..., 1]
    return np.divide(value, weight, out=np.zeros_like(value, dtype=float), where=weight > 0)


def _percentiles(ratios: np.ndarray) -> Interval:
    return [_rounded(float(edge)) for edge in np.percentile(ratios, [2.5, 97.5])]


def _rounded(value: float) -> float:
    """Six digits after the point: more would be noise that differs from machine to machine."""
    return round(value, 6)
