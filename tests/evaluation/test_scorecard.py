from __future__ import annotations

import json
from typing import Any

import pytest

from offbook.core import metrics_log
from offbook.core.errors import GateMissed, UsageError
from offbook.evaluation import heldout_loss, thresholds
from offbook.evaluation.comparison import compare
from offbook.evaluation.messages import LANGUAGES, wording
from offbook.evaluation.metrics import FIGURES
from offbook.evaluation.responses import collect
from offbook.evaluation.scorecard import scorecard, value
from tests.evaluation.fakes import HELDOUT, TRAIN, FakeModels, evidence, good_card, plain, row


def test_the_contract_that_others_read() -> None:
    card = good_card()
    for who in ("base", "tuned"):
        assert isinstance(card["heldout"][who]["loss"], float)
        low, high = card["heldout"][who]["interval"]
        assert low <= card["heldout"][who]["loss"] <= high
        assert 0 <= card["fidelity"][who]["score"] <= 1
        assert 0 <= card["stops"][who]["share"] <= 1
    assert 0.5 < card["fidelity"]["classifier"]["auc"] <= 1
    assert 0 <= card["copying"]["tuned"]["verbatim_share"] <= 1
    assert card["forgetting"]["kl"] == pytest.approx(0.05)


def test_it_is_plain_json_and_the_same_every_time() -> None:
    first, second = (json.dumps(scorecard(evidence()), ensure_ascii=False) for _ in range(2))
    assert first == second


def test_the_losses_are_means_over_label_tokens() -> None:
    found = heldout_loss.measure(evidence()).summary
    assert found["base"]["loss"] - found["tuned"]["loss"] == pytest.approx(-found["difference"]["loss"], abs=2e-6)
    assert -0.6 < found["difference"]["loss"] < -0.5
    assert found["difference"]["interval"][1] < 0, "what varies between rows cancels"
    assert found["base"]["perplexity"] == pytest.approx(2.718281828 ** found["base"]["loss"], rel=1e-4)
    assert found["tokens"] == sum(group["tokens"] for group in found["by_length"])


def test_rows_are_broken_down_by_length_and_by_file() -> None:
    rows = [row("Who?", "Ay.", 1, "a.jsonl"), row("What?", "word " * 60, 2, "/data/b.jsonl")]
    found = heldout_loss.measure(collect(FakeModels(plain, plain), train=TRAIN, heldout=rows, prompts=24))
    assert [(group["name"], group["rows"]) for group in found.summary["by_length"]] == [("1–15", 1), ("41–100", 1)]
    assert [group["name"] for group in found.summary["by_source"]] == ["a.jsonl", "b.jsonl"]
    assert [item["origin"] for item in found.items["rows"]] == ["a.jsonl:1", "b.jsonl:2"], "no folder of the user's"


def test_every_figure_has_a_value_items_and_words() -> None:
    card = good_card()
    for figure in FIGURES:
        assert isinstance(value(card, figure.path), float), figure.path
        pairs = figure.items(card).values()
        total = sum(found for found, _ in pairs) / sum(weight for _, weight in pairs)
        assert total == pytest.approx(value(card, figure.path), abs=1e-5), figure.path
        low, high = figure.interval(card)
        assert low <= value(card, figure.path) <= high
        for lang in LANGUAGES:
            assert set(wording(lang)["figures"][figure.path]) == {"title", "meaning"}


def test_the_wordings_say_the_same_things_in_every_language() -> None:
    def shape(tree: object) -> object:
        return {name: shape(part) for name, part in tree.items()} if isinstance(tree, dict) else None

    assert shape(wording("en")) == shape(wording("zh"))
    with pytest.raises(UsageError, match="unknown language"):
        wording("xx")


def test_runs_are_compared_on_what_both_were_asked() -> None:
    better = scorecard(evidence(gain=0.8, kl=0.2))
    worse = scorecard(evidence(gain=0.5, kl=0.05))
    found = compare({"worse": worse, "better": better})
    assert found["runs"] == ["worse", "better"]
    by_name = {figure["name"]: figure["runs"] for figure in found["figures"]}
    loss = by_name["heldout.tuned.loss"]
    assert loss[0]["difference"] is None
    assert loss[1]["difference"] == pytest.approx(-0.3, abs=1e-5) and loss[1]["clear"]
    assert loss[1]["pairs"] == len(HELDOUT)
    assert loss[1]["difference_interval"] == [pytest.approx(-0.3, abs=1e-5)] * 2
    assert by_name["forgetting.kl"][1]["difference"] == pytest.approx(0.15, abs=1e-5)
    assert by_name["fidelity.tuned.score"][1]["difference"] == 0.0
    assert not by_name["fidelity.tuned.score"][1]["clear"]


def test_runs_that_share_no_row_have_no_paired_difference() -> None:
    other = collect(FakeModels(plain, plain), train=TRAIN[:60], heldout=TRAIN[60:100], prompts=24)
    loss = compare({"a": good_card(), "b": scorecard(other)})["figures"][0]["runs"][1]
    assert (loss["difference"], loss["pairs"], loss["clear"]) == (None, 0, False)
    with pytest.raises(UsageError):
        compare({"a": good_card()})


def test_few_pairs_make_nothing_clear() -> None:
    sides = [
        scorecard(collect(FakeModels(plain, plain, gain=gain), train=TRAIN, heldout=HELDOUT[:9], prompts=9))
        for gain in (0, 1)
    ]
    loss = compare({"a": sides[0], "b": sides[1]})["figures"][0]["runs"][1]
    assert loss["pairs"] == 9 and loss["difference_interval"][1] < 0 and not loss["clear"]


@pytest.mark.parametrize(("changed", "clear"), [(5, False), (6, True)])
def test_yes_or_no_is_clear_by_an_exact_test(changed: int, clear: bool) -> None:
    """Five changes of one kind happen by chance one time in sixteen, six one time in thirty-two."""
    before, after = good_card(), good_card()
    for item in after["replies"][:changed]:
        item["tuned"]["stopped"] = False
    found = compare({"a": before, "b": after})["figures"]
    stops = next(figure["runs"][1] for figure in found if figure["name"] == "stops.tuned.share")
    assert stops["difference"] < 0 and stops["clear"] == clear


def test_what_is_not_on_one_scale_has_no_difference() -> None:
    other = good_card()
    for item in other["rows"]:
        item["tokens"] *= 2
    other["fidelity"]["classifier"]["against"]["others"] = 0.5
    found = {figure["name"]: figure["runs"][1] for figure in compare({"a": good_card(), "b": other})["figures"]}
    assert found["heldout.tuned.loss"]["difference"] is None and found["fidelity.tuned.score"]["difference"] is None
    assert found["forgetting.kl"]["difference"] == 0.0


def test_rows_that_are_the_same_count_each() -> None:
    card = scorecard(collect(FakeModels(plain, plain), train=TRAIN, heldout=[*HELDOUT, *HELDOUT], prompts=9))
    loss = FIGURES[0]
    assert len(loss.items(card)) == 2 * len(HELDOUT)
    assert loss.interval(card) == card["heldout"]["tuned"]["interval"]


def test_losses_that_are_no_numbers_are_told() -> None:
    with pytest.raises(UsageError, match="no numbers"):
        collect(FakeModels(plain, plain, gain=float("nan")), train=TRAIN, heldout=HELDOUT, prompts=9)


def test_the_best_step_is_the_earliest_of_the_lowest() -> None:
    lines = [
        {"step": 0, "heldout_loss": 4.5},
        {"step": 5, "loss": 4.4},
        {"step": 10, "heldout_loss": 4.1},
        {"step": 20, "heldout_loss": 4.1},
        {"step": 30, "heldout_loss": 4.3, "loss": 3.0},
    ]
    assert metrics_log.best_step(lines) == 10
    assert metrics_log.best_step(lines[:1]) is None, "before its first step it is the base model"
    assert metrics_log.points([{"step": 1, "loss": float("nan")}, {"step": 2, "loss": float("inf")}], "loss") == []
    assert metrics_log.best_step([{"step": 1, "loss": 2.0}]) is None
    assert metrics_log.points(lines, "loss") == [(5, 4.4), (30, 3.0)]
    assert metrics_log.stalled(lines, patience=2) and not metrics_log.stalled(lines, patience=3)
    assert not metrics_log.stalled(lines[:3], patience=1)


def check(card: dict[str, Any], *bounds: str) -> None:
    thresholds.check_bounds(card, [thresholds.Bound.parse(bound) for bound in bounds])


def test_bounds_are_kept_missed_or_mistaken() -> None:
    card = good_card()
    check(card, *thresholds.DEFAULT_BOUNDS)
    check(card, "heldout.tuned.loss < 9", "stops.tuned.share>=1", "heldout.tuned.interval.0>0")
    unsure = {**card, "heldout": {**card["heldout"], "difference": {"loss": -0.01, "interval": [-0.05, 0.03]}}}
    for bad in (unsure, scorecard(evidence(lambda prompt: ""))):
        with pytest.raises(GateMissed):
            check(bad, *thresholds.DEFAULT_BOUNDS)
    with pytest.raises(GateMissed, match=r"forgetting.kl<=0.01 \(it is 0.05\)") as missed:
        check(card, "forgetting.kl<=0.01", "copying.excess<=1", "stops.tuned.share<0.5")
    assert missed.value.exit_code == 3 and "stops.tuned.share<0.5" in missed.value.what
    for nonsense in ("forgetting.kl", "forgetting.kl<=much", "forgetting.kl<=nan", "forgetting.kll<1", "heldout<1"):
        with pytest.raises(UsageError):
            check(card, nonsense)
    with pytest.raises(GateMissed):
        check(scorecard(evidence(kl=5.0)), *thresholds.DEFAULT_BOUNDS)
