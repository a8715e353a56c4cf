from __future__ import annotations

import json
from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.evaluation.heldout_loss import HeldoutLoss
from offbook.evaluation.messages import wording
from offbook.evaluation.metrics import METRICS, REPORTED
from offbook.evaluation.responses import collect
from offbook.evaluation.scorecard import About, Scorecard, number_at, scorecard
from offbook.evaluation.sides import MODELS, Side
from tests.evaluation.fakes import HELDOUT, TRAIN, FakeModels, good_card, outputs, plain_talk


def tree() -> dict[str, Any]:
    """eval.json of a good run, read back as JSON."""
    return dict(json.loads(json.dumps(good_card().to_json(), ensure_ascii=False)))


def test_the_contract_that_others_read() -> None:
    card = tree()
    for side in ("base", "tuned"):
        assert isinstance(card["heldout"][side]["loss"], float)
        low, high = card["heldout"][side]["interval"]
        assert low <= card["heldout"][side]["loss"] <= high
        assert 0 <= card["fidelity"][side]["score"] <= 1
        assert 0 <= card["stops"][side]["share"] <= 1
    assert 0.5 < card["fidelity"]["classifier"]["auc"] <= 1
    assert 0 <= card["copying"]["tuned"]["verbatim_share"] <= 1
    assert card["forgetting"]["kl"] == pytest.approx(0.05)


def test_it_is_plain_json_and_the_same_every_time() -> None:
    first, second = (json.dumps(scorecard(outputs()).to_json(), ensure_ascii=False) for _ in range(2))
    assert first == second


def test_it_is_read_back_as_it_was_written() -> None:
    card = scorecard(outputs(), About(run="will", character="Will", model="pypi:llm", step=20, made="today"))
    assert Scorecard.from_json(json.loads(json.dumps(card.to_json()))) == card


def test_the_eval_json_of_another_version_is_refused_in_words() -> None:
    for damage in ({"heldout": {"rows": 3}}, {"replies": None}):
        with pytest.raises(UsageError, match="another version") as refused:
            Scorecard.from_json({**tree(), **damage})
        assert "offbook eval" in (refused.value.fix or "")
    with pytest.raises(UsageError, match="copying"):
        Scorecard.from_json({key: value for key, value in tree().items() if key != "copying"})


def test_rows_name_their_file_without_its_folder() -> None:
    assert good_card().rows[0].origin == "heldout.jsonl:1"


def test_every_reported_metric_has_a_value_items_and_words() -> None:
    card = good_card()
    assert {metric.section for metric in REPORTED.values()} == {metric.section for metric in METRICS.values()}
    for name, metric in REPORTED.items():
        value = card.value(metric)
        assert value is not None, name
        assert value == number_at(card.to_json(), name), name
        parts = card.items(metric).values()
        assert sum(part for part, _ in parts) / sum(weight for _, weight in parts) == pytest.approx(value, abs=1e-5)
        interval = card.interval(metric)
        assert interval is not None
        assert interval[0] <= value <= interval[1]
        assert card.interval(metric, Side.REFERENCE) is None
        assert metric.words.title
        assert metric.words.meaning
        for side in MODELS:
            assert (card.value(metric, side) is None) == (not card.items(metric, side)), name


def test_a_section_is_found_by_its_type() -> None:
    assert good_card().section(HeldoutLoss).rows == len(HELDOUT)
    with pytest.raises(KeyError, match="int"):
        good_card().section(int)


def test_the_wordings_say_the_same_things_in_every_language() -> None:
    def shape(tree: object) -> object:
        return {name: shape(part) for name, part in tree.items()} if isinstance(tree, dict) else None

    assert shape(wording("en")) == shape(wording("zh"))
    with pytest.raises(UsageError, match="unknown language"):
        wording("xx")


def test_rows_that_are_the_same_count_each() -> None:
    card = scorecard(collect(FakeModels(plain_talk, plain_talk), train=TRAIN, heldout=[*HELDOUT, *HELDOUT], prompts=9))
    loss = REPORTED["heldout.tuned.loss"]
    assert len(card.items(loss)) == 2 * len(HELDOUT)
    assert card.interval(loss) == card.section(HeldoutLoss).tuned.interval


@pytest.mark.parametrize(
    ("path", "number"),
    [("a.b.1", 2.5), ("a.b.2", None), ("a.c", None), ("a", None), ("a.text.0", None), ("yes", None), ("a.b.-1", None)],
)
def test_a_path_names_a_number_or_nothing(path: str, number: float | None) -> None:
    assert number_at({"a": {"b": [1, 2.5], "text": "1"}, "yes": True}, path) == number
