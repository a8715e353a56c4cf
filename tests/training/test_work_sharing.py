"""Who computes which micro-batch: all are done at about the same time, and nothing else depends on it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from offbook.training.process_group import ProcessGroup
from offbook.training.work_sharing import WorkSharing, label_cost, share_out
from tests.training.samples import adapted

COSTS = st.lists(st.floats(1, 1000), min_size=1, max_size=20)


@given(COSTS, st.integers(1, 5))
def test_nobody_waits_long_among_equals(costs: list[float], count: int) -> None:
    ranks = share_out(costs, [1.0] * count)
    loads = [sum(cost for cost, owner in zip(costs, ranks, strict=True) if owner == rank) for rank in range(count)]
    least = max(sum(costs) / count, *costs)  # no assignment is done sooner
    assert max(loads) <= least * (2 - 1 / count) + 1e-6


def test_who_is_faster_gets_more() -> None:
    ranks = share_out([10.0] * 12, [1.0, 3.0])
    assert (ranks.count(0), ranks.count(1)) == (3, 9)


def test_speeds_follow_what_was_shown() -> None:
    sharing = WorkSharing(ProcessGroup(), adapted("llama"))
    sharing.speeds, sharing.seconds = [1.0, 1.0], [2.0, 1.0]
    sharing._learn_speeds([100.0, 100.0], [0, 1])
    assert sharing.speeds == [50.0, 100.0]
    sharing.seconds = [1.0, 1.0]
    sharing._learn_speeds([100.0, 100.0], [0, 1])
    assert sharing.speeds == [75.0, 100.0]


def test_a_label_costs_what_the_output_layer_weighs_beside_the_others() -> None:
    model = adapted("llama")
    base: Any = model.get_base_model()
    inner = sum(weight.numel() for weight in base.model.layers.parameters()) + base.model.norm.weight.numel()
    assert label_cost(model) == pytest.approx(base.lm_head.weight.numel() / inner)


def test_a_weight_that_no_micro_batch_reaches_gets_a_zero() -> None:
    """As it would with several processes, which exchange rows of numbers."""
    model = adapted("llama")
    sharing = WorkSharing(ProcessGroup(), model)
    batch: list[object] = [object()]
    assert sharing.gradients(batch, lambda index, part: torch.tensor(1.5)).item() == 1.5  # type: ignore[arg-type]
    assert all(weight.grad is not None and not weight.grad.any() for weight in sharing.trained)
