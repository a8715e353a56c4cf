"""What base models roughly take on this computer."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

import pytest

from offbook.core.environment import usable_cores
from offbook.pipeline import base_choices
from offbook.pipeline.base_choices import BaseChoice, matrix_rate


def busy(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def first_rate(monkeypatch: pytest.MonkeyPatch) -> float:
    """The rate that a studio finds at its first look."""
    monkeypatch.setattr(base_choices, "_rates", [])
    return matrix_rate()


def test_the_first_look_on_a_busy_computer_finds_what_one_on_an_idle_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = max(first_rate(monkeypatch) for _ in range(5))
    count = 3 * usable_cores()
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as others:
        list(others.map(busy, [0.01] * count))  # they are there
        work = [others.submit(busy, 3.0) for _ in range(count)]
        time.sleep(0.3)
        beside_others = first_rate(monkeypatch)
        assert not all(each.done() for each in work)
    assert beside_others > alone / 3


def test_a_slow_look_does_not_replace_a_faster_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_choices, "_rates", [1e20])
    assert matrix_rate() == 1e20


def test_a_training_takes_longer_with_more_tokens_and_a_slower_computer() -> None:
    base = BaseChoice("a", "A", True, 4, 1_000_000)
    seconds = base.training_seconds(1000, 1e9)
    assert seconds is not None
    assert (base.training_seconds(2000, 1e9) or 0) > seconds
    assert (base.training_seconds(1000, 1e8) or 0) > seconds
    assert BaseChoice("a", "A", False, None, None).training_seconds(1000, 1e9) is None
