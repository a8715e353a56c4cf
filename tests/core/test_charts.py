from __future__ import annotations

import pytest

from offbook.core.html import charts


def test_round_numbers_are_round_and_within() -> None:
    assert [label for _, label in charts.round_numbers(0, 56)] == ["0", "20", "40"]
    assert [label for _, label in charts.round_numbers(3.94, 4.51)] == ["4.0", "4.2", "4.4"]
    assert [label for _, label in charts.round_numbers(0, 0)] == ["0.0"]


def test_lines_start_and_end_at_the_margins() -> None:
    chart = charts.line_chart({"loss": [(0, 4.0), (10, 3.0)], "heldout_loss": []})
    assert chart is not None
    assert [line["name"] for line in chart["lines"]] == ["loss"]
    (first, _), (last, _) = (chart["lines"][0]["dots"][place] for place in (0, -1))
    assert (first[0], last[0]) == (charts.LEFT, charts.WIDTH - charts.RIGHT)
    assert first[1] < last[1], "a lower loss stands lower"
    assert charts.line_chart({"loss": [(1, 2.0)]}) is None


def test_the_histogram_holds_every_value_once() -> None:
    result = charts.histogram({"reference": [0, 1, 5, 9, 300], "tuned": [3, 3]})
    assert result is not None
    for name in ("reference", "tuned"):
        assert sum(bar["share"] for bar in result["bars"] if bar["name"] == name) == pytest.approx(1)
    assert max(result["bars"], key=lambda bar: bar["low"])["high"] is None
    assert charts.histogram({"reference": []}) is None


def test_a_strip_needs_two_different_values() -> None:
    strip = charts.strip({"base": (1.0, (0.5, 1.5)), "tuned": (2.0, None), "reference": (None, None)})
    assert [(mark["name"], mark["at"]) for mark in strip] == [("base", 35.3), ("tuned", 94.0)]
    assert charts.strip({"tuned": (1.0, (0.0, 2.0))}) == []
