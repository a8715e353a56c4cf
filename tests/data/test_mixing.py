"""Mixing general rows in: the share, the choice, the lot that decides it."""

import statistics

from offbook.data.mixing import choose
from offbook.data.seeded_hash import stable_uniform
from tests.data.made import row_of

GENERAL = [row_of(f"question {number}", f"answer {number}", line=number) for number in range(1000)]


def test_the_share_is_exact() -> None:
    chosen = choose(GENERAL, count=300, share=0.25, seed=0)
    assert len(chosen) == 100
    assert chosen == sorted(chosen, key=GENERAL.index)


def test_all_are_taken_where_too_few_are_there() -> None:
    assert choose(GENERAL[:10], count=300, share=0.25, seed=0) == GENERAL[:10]


def test_the_choice_depends_on_seed_and_text_alone() -> None:
    chosen = choose(GENERAL, 300, 0.25, 0)
    assert set(choose(GENERAL[::-1], 300, 0.25, 0)) == set(chosen)
    assert set(choose(GENERAL, 300, 0.25, 1)) != set(chosen)
    assert set(choose(GENERAL, 600, 0.25, 0)) > set(chosen)


def test_chance_is_spread_evenly_and_the_same_everywhere() -> None:
    lots = [stable_uniform(7, str(number)) for number in range(4000)]
    assert all(0 <= lot < 1 for lot in lots)
    assert [round(quantile, 1) for quantile in statistics.quantiles(lots, n=5)] == [0.2, 0.4, 0.6, 0.8]
    assert stable_uniform(0, "甄嬛") == 0.34569679961635913
