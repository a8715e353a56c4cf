from __future__ import annotations

import numpy as np
import pytest

from offbook.evaluation import confidence
from offbook.evaluation.words import spans, words


def test_words_are_words_of_spaced_writing_and_single_chinese_characters() -> None:
    assert words("'Tis bitter cold, O'er-wrought!") == ["tis", "bitter", "cold", "o'er", "wrought"]
    assert words("本宫知道了，OK？") == ["本", "宫", "知", "道", "了", "ok"]
    assert words("don’t") == words("Don't")
    assert words("… ！") == []


def test_spans_say_where_a_word_stands() -> None:
    text = "Ay, 皇上!"
    assert [text[start:end] for _, start, end in spans(text)] == ["Ay", "皇", "上"]


def test_mean_is_per_weight_and_certain_where_nothing_varies() -> None:
    assert confidence.mean([4.0, 8.0, 2.0], [2, 4, 1]) == (2.0, [2.0, 2.0])
    assert confidence.mean([1.0, 2.0, 6.0])[0] == 3.0


def test_the_bootstrap_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(7)
    hits = 0
    for _ in range(150):
        low, high = confidence.mean(random.normal(5, 2, size=60).tolist())[1]
        hits += low <= 5 <= high
    assert 0.90 <= hits / 150 <= 0.98


def test_pairing_cancels_what_both_share() -> None:
    random = np.random.default_rng(1)
    before = random.normal(10, 5, size=40)
    after = before - 0.5 + random.normal(0, 0.1, size=40)
    change, (low, high) = confidence.difference(after.tolist(), before.tolist())
    assert change == pytest.approx(-0.5, abs=0.1)
    assert high - low < 0.1
    pairs = [[(value, 1.0) for value in side] for side in (after.tolist(), before.tolist())]
    assert confidence.ratio_difference(*pairs) == (pytest.approx(change), [pytest.approx(low), pytest.approx(high)])


def test_a_perfect_share_of_few_is_not_certain() -> None:
    # Wilson's interval for 18 of 18 and 0 of 10, from the closed form.
    assert confidence.share([True] * 18) == (1.0, [pytest.approx(0.8241, abs=1e-4), 1.0])
    assert confidence.share([False] * 10) == (0.0, [0.0, pytest.approx(0.2775, abs=1e-4)])


def test_the_gap_of_two_samples_is_as_sure_as_both() -> None:
    random = np.random.default_rng(3)
    one, other = random.normal(5, 1, size=400), random.normal(3, 1, size=100)
    change, (low, high) = confidence.gap(one.tolist(), other.tolist())
    assert low < change < high and change == pytest.approx(one.mean() - other.mean())
    assert high - low == pytest.approx(2 * 1.96 * (1 / 400 + 1 / 100) ** 0.5, rel=0.15)


def test_the_difference_of_two_shares_is_newcombes() -> None:
    # Newcombe 1998, table II, method 10: (a) 56/70 - 48/80, (h) 10/10 - 0/10.
    change, (low, high) = confidence.share_difference([True] * 56 + [False] * 14, [True] * 48 + [False] * 32)
    assert (change, low, high) == (pytest.approx(0.2), pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))
    change, (low, high) = confidence.share_difference([True] * 10, [False] * 10)
    assert (change, low, high) == (1.0, pytest.approx(0.6075, abs=1e-4), 1.0)


def test_intervals_are_the_same_every_time() -> None:
    values = [1.0, 5.0, 2.0, 8.0]
    assert confidence.mean(values) == confidence.mean(values)
