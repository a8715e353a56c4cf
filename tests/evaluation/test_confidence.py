from __future__ import annotations

import numpy as np
import pytest

from offbook.evaluation import confidence
from offbook.evaluation.confidence import Estimate


def test_mean_is_per_weight_and_certain_where_nothing_varies() -> None:
    assert confidence.mean([4.0, 8.0, 2.0], [2, 4, 1]) == Estimate(2.0, (2.0, 2.0))
    assert confidence.mean([1.0, 2.0, 6.0]).value == 3.0


def test_the_bootstrap_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(7)
    hits = 0
    for _ in range(150):
        low, high = confidence.mean(random.normal(5, 2, size=60).tolist()).interval
        hits += low <= 5 <= high
    assert 0.90 <= hits / 150 <= 0.98


def test_pairing_cancels_what_both_share() -> None:
    random = np.random.default_rng(1)
    before = random.normal(10, 5, size=40)
    after = before - 0.5 + random.normal(0, 0.1, size=40)
    change = confidence.difference(after.tolist(), before.tolist())
    low, high = change.interval
    assert change.value == pytest.approx(-0.5, abs=0.1)
    assert high - low < 0.1
    new, old = ([(value, 1.0) for value in side] for side in (after.tolist(), before.tolist()))
    again = confidence.ratio_difference(new, old)
    assert again.value == pytest.approx(change.value, abs=2e-6)
    assert again.interval == pytest.approx(change.interval, abs=2e-6)


def test_a_perfect_share_of_few_is_not_certain() -> None:
    # Wilson's interval for 18 of 18 and 0 of 10, from the closed form.
    assert confidence.share([True] * 18).interval == pytest.approx((0.8241, 1.0), abs=1e-4)
    assert confidence.share([False] * 10).interval == pytest.approx((0.0, 0.2775), abs=1e-4)


def test_the_gap_of_two_samples_is_as_sure_as_both() -> None:
    random = np.random.default_rng(3)
    one, other = random.normal(5, 1, size=400), random.normal(3, 1, size=100)
    gap = confidence.gap(one.tolist(), other.tolist())
    low, high = gap.interval
    assert low < gap.value < high
    assert gap.value == pytest.approx(one.mean() - other.mean(), abs=1e-6)
    assert high - low == pytest.approx(2 * 1.96 * (1 / 400 + 1 / 100) ** 0.5, rel=0.15)


def test_the_difference_of_two_shares_is_newcombes() -> None:
    # Newcombe 1998, table II, method 10: (a) 56/70 - 48/80, (h) 10/10 - 0/10.
    result = confidence.share_difference([True] * 56 + [False] * 14, [True] * 48 + [False] * 32)
    assert (result.value, *result.interval) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
    result = confidence.share_difference([True] * 10, [False] * 10)
    assert (result.value, *result.interval) == pytest.approx((1.0, 0.6075, 1.0), abs=1e-4)


def test_progress_is_the_share_of_the_way_that_was_gone() -> None:
    assert confidence.progress([2.0, 4.0], [1.0, 3.0], [4.0, 4.0]) == Estimate(0.5, (0.333333, 1.0))
    random = np.random.default_rng(5)
    before, goal = random.normal(0, 0.1, size=200), random.normal(1, 0.1, size=200)
    half = confidence.progress((before + 0.5).tolist(), before.tolist(), goal.tolist())
    assert half.value == pytest.approx(0.5, abs=0.02)
    assert half.interval[0] < 0.5 < half.interval[1] < 0.55
    assert confidence.progress([1.0], [1.0], [1.0]).value == 1.0, "there is no way to go"


def test_intervals_are_the_same_every_time() -> None:
    values = [1.0, 5.0, 2.0, 8.0]
    assert confidence.mean(values) == confidence.mean(values)
