from __future__ import annotations

from dataclasses import replace

import pytest

from offbook.core.errors import UsageError
from offbook.evaluation.comparison import ComparedValue, compare
from offbook.evaluation.copying import Copying
from offbook.evaluation.fidelity import Fidelity
from offbook.evaluation.heldout_loss import HeldoutLoss
from offbook.evaluation.scorecard import Scorecard, scorecard
from offbook.evaluation.stopping import Stopping
from tests.evaluation.fakes import HELDOUT, TRAIN, good_card, outputs, plain_talk, with_section


def second(name: str, first: Scorecard, other: Scorecard) -> ComparedValue:
    """The other run's value beside the first one's."""
    return compare({"first": first, "other": other}).metric(name).runs[1]


def test_runs_are_compared_on_what_both_were_asked() -> None:
    worse, better = scorecard(outputs(gain=0.5, kl=0.05)), scorecard(outputs(gain=0.8, kl=0.2))
    result = compare({"worse": worse, "better": better})
    assert result.runs == ("worse", "better")
    before, after = result.metric("heldout.tuned.loss").runs
    assert (before.difference, before.significant) == (None, False)
    assert after.difference == pytest.approx(-0.3, abs=1e-5)
    assert after.significant
    assert after.pairs == len(HELDOUT)
    assert after.difference_interval == pytest.approx((-0.3, -0.3), abs=1e-5)
    assert result.metric("forgetting.kl").runs[1].difference == pytest.approx(0.15, abs=1e-5)
    fidelity = result.metric("fidelity.tuned.score").runs[1]
    assert (fidelity.difference, fidelity.significant) == (0.0, False)


def test_titles_are_in_the_language_asked_for() -> None:
    cards = {"a": good_card(), "b": good_card()}
    assert compare(cards).metrics[0].title == "Held-out loss"
    assert compare(cards, "zh").metrics[0].title == "留出集损失"
    assert compare(cards).to_json()["metrics"][0]["runs"][1]["difference"] == 0.0


def test_runs_that_share_no_row_have_no_paired_difference() -> None:
    other = scorecard(outputs(plain_talk, train=TRAIN[:60], heldout=TRAIN[60:100]))
    loss = second("heldout.tuned.loss", good_card(), other)
    assert (loss.difference, loss.pairs, loss.significant) == (None, 0, False)
    with pytest.raises(UsageError):
        compare({"a": good_card()})


def test_few_pairs_make_nothing_clear() -> None:
    first, other = (scorecard(outputs(plain_talk, heldout=HELDOUT[:9], prompts=9, gain=gain)) for gain in (0, 1))
    loss = second("heldout.tuned.loss", first, other)
    assert loss.difference_interval is not None
    assert loss.difference_interval[1] < 0
    assert (loss.pairs, loss.significant) == (9, False)


@pytest.mark.parametrize(("changed", "significant"), [(5, False), (6, True)])
def test_yes_or_no_is_clear_by_an_exact_test(changed: int, significant: bool) -> None:
    """Five changes of one kind happen by chance one time in sixteen, six one time in thirty-two."""
    items = good_card().section(Stopping).items
    truncated = [replace(item, tuned=replace(item.tuned, stopped=False)) for item in items[:changed]]
    stops = second(
        "stops.tuned.share", good_card(), with_section(good_card(), "stops", items=(*truncated, *items[changed:]))
    )
    assert stops.difference is not None
    assert stops.difference < 0
    assert stops.significant == significant


def test_what_is_not_on_one_scale_has_no_difference() -> None:
    longer = tuple(replace(item, tokens=2 * item.tokens) for item in good_card().section(HeldoutLoss).items)
    assert (
        second("heldout.tuned.loss", good_card(), with_section(good_card(), "heldout", items=longer)).difference is None
    )
    classifier = good_card().section(Fidelity).classifier
    other = replace(classifier, against={**classifier.against, "others": 0.5})
    judged = with_section(good_card(), "fidelity", classifier=other)
    assert second("fidelity.tuned.score", good_card(), judged).difference is None
    assert second("forgetting.kl", good_card(), judged).difference == 0.0


def test_lifted_words_are_compared_though_replies_differ_in_length() -> None:
    copying = good_card().section(Copying)
    longer = tuple(replace(item, tuned=replace(item.tuned, words=90, lifted=45)) for item in copying.items)
    lifted = second("copying.tuned.lifted_share", good_card(), with_section(good_card(), "copying", items=longer))
    assert lifted.difference == pytest.approx(0.5 - copying.tuned.lifted_share, abs=1e-5)
    assert lifted.significant
