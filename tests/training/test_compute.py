"""Frozen weights' products in bfloat16 between float32 activations: as near to the truth as torch's own, and chosen."""

import copy
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn

from offbook.core import bfloat16, bfloat16x3
from offbook.models.storage import StoredLinear, loses_nothing, store, store_in_float32
from offbook.training import chunked_loss, compute, fast_path, matmul
from tests.tiny import tiny_model
from tests.training.samples import MODULES, examples, plain_gradients
from tests.training.test_fast_path import fast_gradients

ARCHITECTURES = ["llama", "llama-tied", "mistral", "qwen3", "ernie", "gemma3"]


def rounded(architecture: str) -> Any:
    """A model whose weights are bfloat16 numbers, stored in float32."""
    model = tiny_model(architecture)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.bfloat16())
    return model


def with_adapter(base: Any, use_dora: bool = False) -> PeftModel:
    """The model with one and the same adapter, whatever number format the base is in."""
    model = get_peft_model(base, LoraConfig(r=4, lora_alpha=8, target_modules=MODULES, use_dora=use_dora))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) / 8)
    return model


def distance(result: Any, reference: Any) -> Any:
    """‖found − reference‖ / ‖reference‖ over all tensors, in float64."""
    assert result.keys() == reference.keys()
    apart = sum((result[name].double() - reference[name]).square().sum() for name in reference)
    return (apart / sum(tensor.square().sum() for tensor in reference.values())).sqrt().item()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_gradient_is_as_near_to_float64_as_torch_s_own_bfloat16(architecture: str) -> None:
    base, rows = rounded(architecture), examples(6)
    exact = with_adapter(copy.deepcopy(base)).double()
    reference, _ = plain_gradients(exact, rows)
    theirs, _ = plain_gradients(with_adapter(copy.deepcopy(base).bfloat16()), rows)
    model = with_adapter(store(base, compute=torch.bfloat16))
    assert fast_path.enable(model) == []
    for budget in (60, 10_000):
        result, _ = fast_gradients(model, rows, max_tokens=budget)
        assert 1e-4 < distance(result, reference) <= distance(theirs, reference)


def test_only_the_products_are_in_bfloat16() -> None:
    """Computed in float32, the very same layers give the float32 gradient: nothing else was rounded."""
    base, rows = rounded("llama"), examples(6)
    reference, _ = plain_gradients(with_adapter(copy.deepcopy(base)), rows)
    model = with_adapter(store(base, compute=torch.bfloat16))
    for layer in model.modules():
        if isinstance(layer, StoredLinear):
            layer.compute_dtype = None
    fast_path.enable(model)
    result, _ = fast_gradients(model, rows, max_tokens=150)
    assert distance(result, {name: tensor.double() for name, tensor in reference.items()}) < 5e-6


@pytest.mark.skipif(bfloat16x3._gemm() is None, reason="this machine's torch brings no MKL")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("use_dora", [False, True])
def test_in_float32_weights_in_bfloat16_give_the_gradient_of_peft(
    monkeypatch: pytest.MonkeyPatch, architecture: str, use_dora: bool
) -> None:
    """From the pieces of the activations; the pieces are counted, so that nothing else computes it unseen."""
    monkeypatch.setattr(bfloat16x3, "computes", lambda device: True)
    base, rows = rounded(architecture), examples(6)
    assert loses_nothing(base)
    exact = with_adapter(copy.deepcopy(base), use_dora).double()
    reference, _ = plain_gradients(exact, rows)
    peft_s, _ = plain_gradients(with_adapter(copy.deepcopy(base), use_dora), rows)
    model = with_adapter(store(base), use_dora)
    assert fast_path.enable(model) == []
    products = counted(monkeypatch)
    for budget in (60, 10_000):
        result, _ = fast_gradients(model, rows, max_tokens=budget)
        assert distance(result, reference) < max(1e-6, 1.5 * distance(peft_s, reference))
        layers = sum(isinstance(layer, StoredLinear) for layer in model.modules())
        assert len(products) >= 2 * layers - 8  # forward and backward; no gradient leaves the first layer
        products.clear()


def counted(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """A list that grows with every product from pieces."""
    products: list[None] = []
    inner = bfloat16x3.add_product

    def add_product(*args: Any, **options: Any) -> torch.Tensor:
        products.append(None)
        return inner(*args, **options)

    monkeypatch.setattr(bfloat16x3, "add_product", add_product)
    return products


def test_peft_s_own_forward_computes_the_same_products() -> None:
    model = with_adapter(store(rounded("qwen2"), compute=torch.bfloat16))
    rows = examples(4)
    reference, _ = plain_gradients(model, rows)
    fast_path.enable(model)
    result, _ = fast_gradients(model, rows, max_tokens=150)
    assert distance(result, {name: tensor.double() for name, tensor in reference.items()}) < 0.05


@pytest.mark.parametrize("bias", [None, torch.randn(30)])
def test_a_product_rounds_its_factors_and_its_result_and_no_sum(bias: Any) -> None:
    x, weight = torch.randn(9, 2000), torch.randn(30, 2000)
    y = matmul.frozen_product(x.bfloat16(), weight.bfloat16(), bias, torch.float32)
    exact = x.bfloat16().double() @ weight.bfloat16().double().t()
    assert y.dtype == torch.float32
    assert torch.allclose(y.double() - (0 if bias is None else bias), exact, rtol=2**-8, atol=1e-3)


@pytest.mark.parametrize("transposed", [False, True])
def test_a_processor_without_the_instructions_computes_the_same_product(
    monkeypatch: pytest.MonkeyPatch, transposed: bool
) -> None:
    x, weight = torch.randn(50, 96).bfloat16(), torch.randn(64, 96).bfloat16()
    weight = weight.t().contiguous().t() if transposed else weight
    results = []
    for instructions in (True, False):
        monkeypatch.setattr(bfloat16, "has_instructions", lambda device, answer=instructions: answer)
        results.append(bfloat16.bfloat16_linear(x, weight))
    theirs, ours = results
    assert ours.dtype == torch.bfloat16
    assert (theirs == ours).float().mean() > 0.99  # the order of a sum may take it over the middle of two numbers
    assert torch.allclose(theirs.float(), ours.float(), rtol=2**-7, atol=1e-2)


@pytest.mark.parametrize("instructions", [True, False])
def test_the_head_s_logits_are_not_rounded_and_its_gradient_is_near(
    monkeypatch: pytest.MonkeyPatch, instructions: bool
) -> None:
    monkeypatch.setattr(chunked_loss, "has_instructions", lambda device: instructions)
    hidden, weight = torch.randn(20, 64, requires_grad=True), torch.randn(500, 64).bfloat16()
    targets = torch.randint(500, (20,))
    loss = chunked_loss.loss_sum(hidden, weight, None, targets, compute=torch.bfloat16)
    (result,) = torch.autograd.grad(loss, hidden)
    exact = nn.functional.cross_entropy(hidden.double() @ weight.double().t(), targets, reduction="sum")
    (reference,) = torch.autograd.grad(exact, hidden)
    # Rounded logits would be 1e-2 off. Where there are matrix units, their factors are rounded.
    assert loss.item() == pytest.approx(exact.item(), rel=1e-3 if torch.cpu._is_amx_tile_supported() else 1e-6)
    assert 1e-6 < (result - reference).norm() / reference.norm() < 0.01


def test_factors_are_rounded_in_a_block_alone() -> None:
    x, weight = torch.randn(64, 512), torch.randn(256, 512)
    before = x @ weight.t()
    with pytest.raises(ValueError, match="in the middle"), bfloat16.rounded_factors(x.device):
        inside = x @ weight.t()
        raise ValueError("in the middle")
    assert torch.equal(x @ weight.t(), before)
    assert inside.dtype == torch.float32
    assert torch.allclose(inside, before, atol=0.5)
    assert torch.equal(inside, before) != torch.cpu._is_amx_tile_supported()


@pytest.mark.parametrize("architecture", ["llama", "llama-tied"])
def test_float32_comes_back_whole(architecture: str) -> None:
    base = rounded(architecture)
    ids = torch.tensor([[5, 6, 7, 8]])
    before = base(input_ids=ids).logits
    model = with_adapter(store(copy.deepcopy(base), compute=torch.bfloat16))
    with model.disable_adapter():
        assert not torch.equal(model(input_ids=ids).logits, before)
        store_in_float32(model)
        assert torch.equal(model(input_ids=ids).logits, before)
    assert not any(isinstance(module, StoredLinear) for module in model.modules())


@pytest.mark.parametrize(
    ("instructions", "speedup", "hidden_size", "expected"),
    [
        (True, 2.0, 1024, "bfloat16"),
        (True, 1.2, 1024, "float32"),
        (True, 2.0, 64, "float32"),
        (False, 2.0, 1024, "float32"),
    ],
)
def test_bfloat16_is_chosen_where_it_pays(
    monkeypatch: pytest.MonkeyPatch, instructions: Any, speedup: Any, hidden_size: Any, expected: Any
) -> None:
    monkeypatch.setattr(bfloat16, "has_instructions", lambda device: instructions)
    monkeypatch.setattr(compute, "product_rates", lambda: {"float32": 100.0, "bfloat16": 100.0 * speedup})
    assert compute.choose_compute(hidden_size, torch.device("cpu")) == expected
    assert compute.choose_compute(hidden_size, torch.device("meta")) == "float32"


@pytest.mark.parametrize(("multiplies", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_a_gpu_is_asked_whether_it_multiplies_in_bfloat16(
    monkeypatch: pytest.MonkeyPatch, multiplies: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: multiplies)
    assert compute.choose_compute(512, torch.device("cuda")) == expected
    assert compute.choose_compute(64, torch.device("cuda")) == "float32"


def test_rates_are_measured_in_both_formats() -> None:
    rates = compute.product_rates()
    assert set(rates) == {"float32", "bfloat16"}
    assert all(rate > 0 for rate in rates.values())
    assert compute.product_rates() is rates
