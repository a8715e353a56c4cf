from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from offbook.training import fused_dora, fused_lora
from offbook.training.adapted_linear import fused_linear, linear_spec
from offbook.training.recomputation import Recomputed


class Two(nn.Module):
    def __init__(self, bias: bool) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(24, 16, bias=bias), nn.Linear(24, 40, bias=bias)


def pair(dropout: float = 0.0, bias: bool = False, **changes: Any) -> Any:
    torch.manual_seed(0)
    config = LoraConfig(r=4, lora_alpha=8, lora_dropout=dropout, target_modules=["one", "two"], **changes)
    model = get_peft_model(Two(bias), config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, 0, 0.3)
    inner = model.get_base_model()
    return model, (inner.one, inner.two)


def run(outputs: Any, inputs: Any, model: Any) -> Any:
    """Gradients of a fixed function of the outputs."""
    generator = torch.Generator().manual_seed(5)
    sum((part * torch.randn(part.shape, generator=generator)).sum() for part in outputs).backward()
    result = [inputs.grad, *(p.grad for p in model.parameters() if p.requires_grad)]
    inputs.grad = None
    model.zero_grad()
    return result


DORA = {"use_dora": True}


@pytest.mark.parametrize(
    "changes", [{}, {"bias": True}, {"use_rslora": True}, DORA, {**DORA, "bias": True}, {**DORA, "use_rslora": True}]
)
def test_outputs_and_gradients_are_peft_s(changes: Any) -> None:
    model, modules = pair(**changes)
    x = torch.randn(33, 24, requires_grad=True)
    theirs = tuple(module(x) for module in modules)
    ours = fused_linear(x, modules)
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one, other, atol=1e-5)
    for one, other in zip(run(ours, x, model), run(theirs, x, model), strict=True):
        assert (one - other).norm() / other.norm() < 2e-6


@pytest.mark.parametrize("changes", [{}, DORA])
def test_an_input_that_is_computed_again_gives_the_same_bits_and_is_not_kept(changes: Any) -> None:
    model, modules = pair(dropout=0.3, **changes)
    gate, up = torch.randn(2, 33, 24).requires_grad_()
    inner = Recomputed(lambda gate, up: gate.sigmoid() * up, gate, up)
    kept: list[Any] = []

    def keep(tensor: Any) -> Any:
        kept.append(tensor)
        return tensor

    results = []
    for x in (inner, inner.value):
        torch.manual_seed(0)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            outputs = fused_linear(x, modules)
        seen = any(tensor.data_ptr() == inner.value.data_ptr() for tensor in kept)
        assert seen is (x is inner.value)
        torch.cat(outputs, 1).sin().sum().backward(retain_graph=True)
        results.append([parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None])
        model.zero_grad()
    assert len(results[0]) >= 4
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))
    assert any(gradient.any() for gradient in results[0])


def test_an_adapter_of_another_kind_is_left_to_peft() -> None:
    _, modules = pair(lora_bias=True, bias=True)
    assert linear_spec(modules[0]) is None
    x = torch.randn(5, 24)
    assert torch.allclose(fused_linear(x, modules)[1], modules[1](x), atol=1e-6)


def test_merged_and_disabled_adapters_are_noticed() -> None:
    model, modules = pair()
    x = torch.randn(5, 24)
    with_adapter = fused_linear(x, modules)[0]
    with model.disable_adapter():
        assert torch.equal(fused_linear(x, modules)[0], modules[0].base_layer(x))
    model.merge_adapter()
    assert torch.allclose(fused_linear(x, modules)[0], with_adapter, atol=1e-5)
    model.unmerge_adapter()


def test_dropout_has_the_gradient_of_its_own_mask() -> None:
    """With the random state put back, the function is fixed: compare with finite differences, in float64."""
    model, modules = pair(dropout=0.3)
    model.train().double()
    x = torch.randn(6, 24, dtype=torch.float64, requires_grad=True)

    def fixed(x: Any, *_: Any) -> Any:
        torch.manual_seed(3)
        return fused_linear(x, modules)

    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    assert torch.autograd.gradcheck(fixed, (x, *trained))


class Fixed(nn.Dropout):
    """Dropout with one and the same mask."""

    mask = torch.rand(33, 24, generator=torch.Generator().manual_seed(2)) > 0.3

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.mask / 0.7


def test_dora_with_dropout_is_peft_s_for_the_same_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    model, modules = pair(dropout=0.3, **DORA)
    for module in modules:
        module.lora_dropout["default"] = Fixed(0.3)
        with torch.no_grad():
            module.lora_magnitude_vector["default"].weight.mul_(1.5)
    monkeypatch.setattr(fused_dora, "dropout_mask", lambda x, rate: (Fixed.mask.to(torch.int8), 0.7) if rate else None)
    x = torch.randn(33, 24, requires_grad=True)
    model.train()
    ours, theirs = fused_linear(x, modules), tuple(module(x) for module in modules)
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(ours, theirs, strict=True))
    for one, other in zip(run(ours, x, model), run(theirs, x, model), strict=True):
        assert (one - other).norm() / other.norm() < 2e-6


def test_dropout_has_peft_s_distribution_and_an_independent_mask_for_each_module() -> None:
    torch.manual_seed(0)
    x = torch.ones(1000, 1000)
    (one, survivors), (two, _) = fused_lora.dropout_mask(x, 0.1), fused_lora.dropout_mask(x, 0.1)
    assert one is not None
    assert two is not None
    assert survivors == pytest.approx(0.9, abs=1e-5)
    assert one.double().mean().item() == pytest.approx(survivors, abs=5 * (0.09 / 1e6) ** 0.5)
    assert (one * two).double().mean().item() == pytest.approx(survivors**2, abs=0.002)
    for place in range(4):  # four masks' bits come out of one random integer
        assert one.flatten()[place::4].double().mean().item() == pytest.approx(0.9, abs=0.003)
    neighbours = one.flatten()[:-1] * one.flatten()[1:]
    assert neighbours.double().mean().item() == pytest.approx(0.81, abs=0.002)


def test_dropout_keeps_the_mean() -> None:
    model, modules = pair(dropout=0.5)
    x = torch.randn(1, 24).expand(40_000, 24)
    dropped = fused_linear(x, modules)[0].mean(0)
    assert torch.allclose(dropped, modules[0].eval()(x[:1])[0], atol=0.1)
    model.eval()
    assert torch.allclose(fused_linear(x[:1], modules)[0], modules[0](x[:1]), atol=1e-6)


def test_bits_come_from_torch_s_global_generator() -> None:
    _, modules = pair(dropout=0.5)
    x = torch.randn(20, 24)
    state = torch.get_rng_state()
    first = fused_linear(x, modules)[0]
    assert not torch.equal(first, fused_linear(x, modules)[0])
    torch.set_rng_state(state)
    assert torch.equal(first, fused_linear(x, modules)[0])


def test_an_adapter_in_float32_on_a_bfloat16_layer_is_rounded_once() -> None:
    _, modules = pair()
    for module in modules:
        module.base_layer.to(torch.bfloat16)
    x = torch.randn(9, 24).bfloat16()
    for ours, module in zip(fused_linear(x, modules), modules, strict=True):
        assert ours.dtype == torch.bfloat16
        assert torch.equal(ours, module(x))
