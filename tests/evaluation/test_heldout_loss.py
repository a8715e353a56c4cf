from __future__ import annotations

import pytest

from offbook.evaluation import heldout_loss
from tests.evaluation.fakes import outputs, row


def test_the_losses_are_means_over_label_tokens() -> None:
    result = heldout_loss.measure(outputs())
    assert result.base.loss - result.tuned.loss == pytest.approx(-result.difference.loss, abs=2e-6)
    assert -0.6 < result.difference.loss < -0.5
    assert result.difference.interval[1] < 0, "what varies between rows cancels"
    assert result.base.perplexity == pytest.approx(2.718281828**result.base.loss, rel=1e-4)
    assert result.tokens == sum(group.tokens for group in result.by_length)
    assert result.training_rows == 120


def test_the_gain_is_a_share_of_the_base_models_loss() -> None:
    result = heldout_loss.measure(outputs())
    assert result.gain.share == pytest.approx(1 - result.tuned.loss / result.base.loss, abs=2e-6)
    low, high = result.gain.interval
    assert 0.1 < low < result.gain.share < high < 0.15
    assert heldout_loss.measure(outputs(gain=-0.5)).gain.share < 0


def test_rows_are_broken_down_by_length_and_by_file() -> None:
    rows = [row("Who?", "Ay.", 1, "a.jsonl"), row("What?", "word " * 60, 2, "/data/b.jsonl")]
    result = heldout_loss.measure(outputs(heldout=rows))
    assert [(group.name, group.rows) for group in result.by_length] == [("1–15", 1), ("41–100", 1)]
    assert [group.name for group in result.by_source] == ["a.jsonl", "b.jsonl"], "no folder of the user's"
