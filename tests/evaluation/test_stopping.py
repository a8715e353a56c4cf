from __future__ import annotations

from itertools import chain, repeat

import pytest

from offbook.evaluation import stopping
from tests.evaluation.fakes import outputs


def test_repetition_is_the_share_of_runs_that_were_said_before() -> None:
    assert stopping.repetition("to be or not to be") == 0.0
    assert stopping.repetition("I say no and I say no and I say no and") == pytest.approx(1 - 4 / 9)
    assert stopping.repetition("no") == 0.0


def test_endings_loops_and_empty_replies_are_counted() -> None:
    loop = "I will go and I will go and I will go and"
    texts = chain(["ay my lord"] * 20, [" "], [loop] * 3, repeat("Who?"))
    result = stopping.measure(outputs(lambda _: next(texts), stops=lambda text: text != loop))
    assert result.tuned.share == pytest.approx(21 / 24, abs=1e-6)
    assert result.tuned.loops == pytest.approx(3 / 24, abs=1e-6)
    assert result.tuned.empty == pytest.approx(1 / 24, abs=1e-6)
    assert [item.tuned.loop for item in result.items] == [False] * 21 + [True] * 3


def test_a_reply_is_empty_when_nothing_can_be_read() -> None:
    assert stopping.measure(outputs(lambda _: " \n")).tuned.empty == 1.0
    assert stopping.measure(outputs(lambda _: "…")).tuned.empty == 0.0
