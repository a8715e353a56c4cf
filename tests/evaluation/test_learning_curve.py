"""What more lines would bring, told from the losses on fewer."""

from __future__ import annotations

from pathlib import Path

import pytest

from offbook.evaluation.learning_curve import LearningCurve
from offbook.evaluation.verdict import Verdict, judge
from tests.evaluation.fakes import good_card

TOKENS = (10,) * 12


def curve(
    first: float, second: float, third: float, *, noise: float = 0.0, tokens: tuple[int, ...] = TOKENS
) -> LearningCurve:
    """Losses per token of three trainings; `noise` moves every other row of the last one up, the rest down."""

    def losses(mean: float, moved: float = 0.0) -> tuple[float, ...]:
        return tuple((mean + (moved if row % 2 else -moved)) * count for row, count in enumerate(tokens))

    return LearningCurve((10, 20, 40), (losses(first), losses(second), losses(third, noise)), tokens)


def verdict_on(fewer_lines: LearningCurve | None) -> Verdict:
    return judge(good_card(), fewer_lines=fewer_lines)


def test_a_fall_that_halves_goes_on_halving() -> None:
    assert curve(4.0, 3.6, 3.4).gain(1).value == pytest.approx(0.1)
    assert curve(4.0, 3.6, 3.4).gain(2).value == pytest.approx(0.15)


@pytest.mark.parametrize(("first", "expected"), [(3.7, 0.2), (3.5, 0.2), (9.0, 0.2**2 / 5.4)])
def test_no_more_is_expected_than_the_last_fall(first: float, expected: float) -> None:
    assert curve(first, 3.6, 3.4).gain(1).value == pytest.approx(expected, abs=1e-5)


def test_a_loss_that_rose_with_more_lines_is_not_told_to_fall() -> None:
    assert curve(3.0, 3.2, 3.4).gain(1).value == pytest.approx(-0.2)


def test_rows_that_disagree_widen_the_interval() -> None:
    low, high = curve(4.0, 3.6, 3.4, noise=0.3).gain(1).interval
    assert low < 0.05 < 0.15 < high
    narrow_low, narrow_high = curve(4.0, 3.6, 3.4).gain(1).interval
    assert narrow_high - narrow_low < 1e-6


def test_the_verdict_says_how_many_lines_and_what_they_would_bring() -> None:
    result = next(each for each in verdict_on(curve(4.0, 3.6, 3.4)).findings if each.rule == "lines_help")
    assert "on 10, 20 and all 40" in result.text
    assert (
        "80 lines would lower it by about 0.10 more (95% interval 0.10 to 0.10), and 160 by about 0.15" in result.text
    )
    assert result.text.endswith("Collect more of the character's lines: 80 in all, better 160.")
    assert result.option == "data.source"
    assert result.number == pytest.approx(0.1)


def test_where_more_would_hardly_help_nobody_is_sent_to_collect_them() -> None:
    findings = {each.rule: each for each in verdict_on(curve(3.45, 3.41, 3.4)).findings}
    assert "twice as many would lower it by 0.00 at most" in findings["lines_suffice"].text
    assert not any("Collect" in each.text for each in findings.values())


@pytest.mark.parametrize(
    "fewer_lines", [None, curve(3.0, 3.2, 3.4, noise=0.5), curve(3.45, 3.41, 3.4, tokens=(10,) * 9)]
)
def test_nothing_is_said_where_nothing_can_be_told(fewer_lines: LearningCurve | None) -> None:
    assert not {"lines_help", "lines_suffice"} & {each.rule for each in verdict_on(fewer_lines).findings}


def test_it_is_read_back_as_it_was_written_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    path = tmp_path / "learning_curve.json"
    assert LearningCurve.load(path) is None
    curve(4.0, 3.6, 3.4).save(path)
    assert LearningCurve.load(path) == curve(4.0, 3.6, 3.4)
    path.write_text('{"rows": [1]}')
    assert LearningCurve.load(path) is None
