"""Which examples make up a step: a function of the seed alone."""

from dataclasses import replace
from typing import Any

import pytest

from offbook.core.types import Example, Origin
from offbook.training.batch_sampler import BatchSampler

EXAMPLES = [Example([i, i], [-100, i], Origin("f", i)) for i in range(10)]


def ids(step: Any) -> Any:
    return [example.ids[0] for example in step]


def test_every_epoch_sees_every_example_once() -> None:
    sampler = BatchSampler(EXAMPLES, batch_size=4, epochs=3, seed=0)
    assert len(sampler) == 9
    epochs = [[i for step in range(start, start + 3) for i in ids(sampler[step])] for start in (0, 3, 6)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_any_step_can_be_made_without_those_before_it() -> None:
    sampler = BatchSampler(EXAMPLES, 4, 3, seed=0)
    assert ids(BatchSampler(EXAMPLES, 4, 3, seed=0)[7]) == ids(sampler[7])
    assert ids(BatchSampler(EXAMPLES, 4, 3, seed=1)[7]) != ids(sampler[7])


@pytest.mark.parametrize(("epochs", "steps"), [(0.5, 2), (1, 3), (1.5, 5), (0.01, 1), (0.1 * 3 * 10, 9)])
def test_parts_of_an_epoch(epochs: Any, steps: Any) -> None:
    sampler = BatchSampler(EXAMPLES, 4, epochs, seed=0)
    assert len(sampler) == steps
    assert sampler.epoch(3) == 1.0
    with pytest.raises(IndexError):
        sampler[steps]


def test_the_examples_of_a_conversation_share_a_step() -> None:
    rows = [replace(example, continues=index % 3 != 0) for index, example in enumerate(EXAMPLES[:9])]
    sampler = BatchSampler(rows, batch_size=2, epochs=1, seed=0)
    assert len(sampler) == 2
    steps = [ids(sampler[step]) for step in range(2)]
    assert sorted(map(len, steps)) == [3, 6]
    for step in steps:
        for first in (0, 3, 6):
            assert {first, first + 1, first + 2} <= set(step) or first not in step
