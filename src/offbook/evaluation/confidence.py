"""Estimates with their 95 % confidence intervals, taken over whole conversations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Interval = tuple[float, float]

RESAMPLES = 2000
ENOUGH = 10
"""Fewer items make nothing clear: of two or three the bootstrap's 95 % interval misses the truth every third time."""
Z = 1.96


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its 95 % interval, rounded to six digits: more would be noise that differs between machines."""

    value: float
    interval: Interval


def mean(values: Sequence[float], weights: Sequence[float] | None = None) -> Estimate:
    """Weighted mean and its percentile bootstrap interval (Efron 1979), whole items drawn again.

    Args:
        values: the sum over each item, such as the token losses of a conversation.
        weights: over how many things each sum was taken, such as its tokens; None: every item counts once.
    """
    items = np.column_stack([values, np.ones(len(values)) if weights is None else weights])
    return _estimate(float(_ratio(items.sum(0))), _percentiles(_ratio(_resampled(items))))


def difference(after: Sequence[float], before: Sequence[float], weights: Sequence[float] | None = None) -> Estimate:
    """Mean of `after` − `before`, item by item, and its interval: what both share (a hard conversation) cancels."""
    return mean([a - b for a, b in zip(after, before, strict=True)], weights)


def gap(values: Sequence[float], others: Sequence[float]) -> Estimate:
    """Difference of the means of two independent samples, and its interval; each is drawn again by itself."""
    sides = [np.column_stack([side, np.ones(len(side))]) for side in (values, others)]
    change = np.subtract(*(_ratio(_resampled(items, seed)) for seed, items in enumerate(sides)))
    return _estimate(float(np.mean(values) - np.mean(others)), _percentiles(change))


def progress(after: Sequence[float], before: Sequence[float], goal: Sequence[float]) -> Estimate:
    """Which share of the way from the mean of `before` to the mean of `goal` the mean of `after` has gone.

    `after` and `before` are paired; `goal` is an independent sample. A resample in which the goal does not lie above
    the beginning counts as the whole way.
    """
    pairs = np.column_stack([after, before, np.ones(len(before))])
    normalizers = np.column_stack([goal, np.ones(len(goal))])

    def share(sums: Floats, goals: Floats) -> Floats:
        gone, way = sums[..., 0] - sums[..., 1], _ratio(goals) * sums[..., 2] - sums[..., 1]
        return np.divide(gone, way, out=np.ones_like(gone), where=way > 0)

    total = share(pairs.sum(0), normalizers.sum(0))
    return _estimate(float(total), _percentiles(share(_resampled(pairs), _resampled(normalizers, seed=1))))


def ratio_difference(after: Sequence[tuple[float, float]], before: Sequence[tuple[float, float]]) -> Estimate:
    """As `difference`, of (value, weight) pairs whose weights may differ too; both sides are resampled together."""
    items = np.column_stack([after, before]).astype(float)
    total, drawn = items.sum(0), _resampled(items)
    change = _ratio(drawn[:, :2]) - _ratio(drawn[:, 2:])
    return _estimate(float(_ratio(total[:2]) - _ratio(total[2:])), _percentiles(change))


def statistic(columns: Sequence[Sequence[float]], compute: Callable[[Floats], Floats]) -> Estimate:
    """A number that follows from sums over the items, and its interval, whole items drawn again.

    Args:
        columns: values of every item, one sequence for each quantity; an item's values are drawn together.
        compute: (…, quantities) sums → (…,) numbers.
    """
    items = np.column_stack([np.asarray(column, dtype=float) for column in columns])
    return _estimate(float(compute(items.sum(0))), _percentiles(compute(_resampled(items))))


def share(hits: Sequence[bool]) -> Estimate:
    """Share of hits and its Wilson interval (1927), which stays honest at 0 % and 100 %."""
    count = len(hits)
    p = sum(hits) / count
    centre = (p + Z**2 / (2 * count)) / (1 + Z**2 / count)
    reach = Z / (1 + Z**2 / count) * sqrt(p * (1 - p) / count + Z**2 / (4 * count**2))
    return _estimate(p, (max(centre - reach, 0.0), min(centre + reach, 1.0)))


def share_difference(hits: Sequence[bool], others: Sequence[bool]) -> Estimate:
    """Difference of the shares of two independent samples, and its interval (Newcombe 1998, method 10)."""
    one, other = share(hits), share(others)
    (p, (low, high)), (q, (least, most)) = (one.value, one.interval), (other.value, other.interval)
    below, above = sqrt((p - low) ** 2 + (most - q) ** 2), sqrt((high - p) ** 2 + (q - least) ** 2)
    return _estimate(p - q, (p - q - below, p - q + above))


def _resampled(items: Floats, seed: int = 0) -> Floats:
    """Column sums of every resample, (RESAMPLES, columns); the draws depend on seed and number of items alone."""
    count = len(items)
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    return np.asarray(draws.astype(float) @ items)


def _ratio(sums: Floats) -> Floats:
    """Value by weight; a resample that drew nothing of weight counts as 0."""
    value, weight = sums[..., 0], sums[..., 1]
    return np.asarray(np.divide(value, weight, out=np.zeros_like(value, dtype=float), where=weight > 0))


def _percentiles(ratios: Any) -> Interval:
    low, high = np.percentile(ratios, [2.5, 97.5])
    return float(low), float(high)


def _estimate(value: float, interval: Interval) -> Estimate:
    return Estimate(round(value, 6), (round(interval[0], 6), round(interval[1], 6)))
