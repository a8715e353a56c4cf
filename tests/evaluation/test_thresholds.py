from __future__ import annotations

import pytest

from offbook.core.errors import GateMissed, UsageError
from offbook.evaluation import thresholds
from offbook.evaluation.heldout_loss import LossDifference
from offbook.evaluation.scorecard import Scorecard, scorecard
from tests.evaluation.fakes import good_card, outputs, with_section


def check(card: Scorecard, *bounds: str) -> None:
    thresholds.check_bounds(card, [thresholds.Bound.parse(bound) for bound in bounds])


def test_a_good_run_keeps_the_bounds() -> None:
    check(good_card(), *thresholds.DEFAULT_BOUNDS)
    check(good_card(), "heldout.tuned.loss < 9", "stops.tuned.share>=1", "heldout.tuned.interval.0>0")


def test_a_bad_one_misses_them() -> None:
    unsure = with_section(good_card(), "heldout", difference=LossDifference(-0.01, (-0.05, 0.03)))
    for card in (unsure, scorecard(outputs(lambda _: "")), scorecard(outputs(kl=5.0))):
        with pytest.raises(GateMissed):
            check(card, *thresholds.DEFAULT_BOUNDS)


def test_all_that_were_missed_are_named_with_what_was_found() -> None:
    with pytest.raises(GateMissed, match=r"forgetting.kl<=0.01 \(it is 0.05\)") as missed:
        check(good_card(), "forgetting.kl<=0.01", "copying.excess<=1", "stops.tuned.share<0.5")
    assert missed.value.exit_code == 3
    assert "stops.tuned.share<0.5" in missed.value.what


@pytest.mark.parametrize(
    "bound", ["forgetting.kl", "forgetting.kl<=much", "forgetting.kl<=nan", "forgetting.kll<1", "heldout<1"]
)
def test_nonsense_is_a_users_mistake(bound: str) -> None:
    with pytest.raises(UsageError):
        check(good_card(), bound)
