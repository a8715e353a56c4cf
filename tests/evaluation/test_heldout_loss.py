from __future__ import annotations

import pytest

from offbook.evaluation import heldout_loss
from tests.evaluation.fakes import outputs, row


def test_the_losses_are_means_over_label_tokens() -> None:
    found = heldout_loss.measure(outputs())
    assert found.base.loss - found.tuned.loss == pytest.approx(-found.difference.loss, abs=2e-6)
    assert -0.6 < found.difference.loss < -0.5
    assert found.difference.interval[1] < 0, "what varies between rows cancels"
    assert found.base.perplexity == pytest.approx(2.718281828**found.base.loss, rel=1e-4)
    assert found.tokens == sum(group.tokens for group in found.by_length)
    assert found.training_rows == 120


def test_the_gain_is_a_share_of_the_base_models_loss() -> None:
    found = heldout_loss.measure(outputs())
    assert found.gain.share == pytest.approx(1 - found.tuned.loss / found.base.loss, abs=2e-6)
    low, high = found.gain.interval
    assert 0.1 < low < found.gain.share < high < 0.15
    assert heldout_loss.measure(outputs(gain=-0.5)).gain.share < 0


def test_rows_are_broken_down_by_length_and_by_file() -> None:
    rows = [row("Who?", "Ay.", 1, "a.jsonl"), row("What?", "word " * 60, 2, "/data/b.jsonl")]
    found = heldout_loss.measure(outputs(heldout=rows))
    assert [(group.name, group.rows) for group in found.by_length] == [("1–15", 1), ("41–100", 1)]
    assert [group.name for group in found.by_source] == ["a.jsonl", "b.jsonl"], "no folder of the user's"
