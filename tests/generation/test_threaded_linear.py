"""One row shared among the threads: the same product."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from offbook.generation import threaded_linear as module
from offbook.generation.threaded_linear import MIN_WEIGHTS, ThreadedLinear, threaded_linear, use_threaded_linear
from tests.tiny import tiny_model


@pytest.fixture(params=[1, 2, 3])
def threads(request: Any) -> Iterator[Any]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("onednn", [False, module.ONEDNN])
@pytest.mark.parametrize("bias", [True, False])
def test_it_is_the_plain_product(monkeypatch: pytest.MonkeyPatch, threads: int, bias: bool, onednn: bool) -> None:
    monkeypatch.setattr(module, "ONEDNN", onednn)
    torch.manual_seed(0)
    linear = nn.Linear(512, 520, bias=bias)  # 3 does not divide 520
    shared = nn.Sequential(nn.Linear(512, 520, bias=bias))
    shared[0].load_state_dict(linear.state_dict())
    use_threaded_linear(shared)
    assert type(shared[0]) is ThreadedLinear
    with torch.inference_mode():
        for shape in ((1, 1, 512), (1, 512), (512,), (1, 7, 512), (3, 1, 512)):
            row = torch.randn(shape)
            torch.testing.assert_close(shared(row), linear(row), rtol=1e-5, atol=1e-5)
            assert shared(row).shape == linear(row).shape


def test_with_gradients_and_in_other_formats_it_is_torch_s_own() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(512, MIN_WEIGHTS // 512))
    assert len(use_threaded_linear(model)) == 2
    assert use_threaded_linear(model) == []
    row = torch.randn(1, 512, requires_grad=True)
    model[1](row).sum().backward()
    assert row.grad is not None
    with torch.inference_mode():
        assert model[1].bfloat16()(row.bfloat16()).dtype == torch.bfloat16
        assert model[0](torch.ones(0, 8)).shape == (0, 8)


def test_afterwards_the_model_has_the_layers_that_it_had() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.Sequential(nn.Linear(8, 8)))
    before = list(model.modules())
    with pytest.raises(KeyError), threaded_linear(model):
        assert [type(part) for part in model.modules()].count(ThreadedLinear) == 2
        raise KeyError
    assert list(model.modules()) == before


def test_the_weights_are_the_very_same_and_a_tied_head_stays_tied() -> None:
    model = tiny_model("llama-tied", vocab_size=16384)
    before = dict(model.named_parameters())
    use_threaded_linear(model)
    assert type(model.lm_head) is ThreadedLinear
    assert not model.lm_head.training
    assert all(before[name] is weight for name, weight in model.named_parameters())
    assert model.lm_head.weight is model.model.embed_tokens.weight
