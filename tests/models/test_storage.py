"""Frozen weights in fewer bytes: read as they were rounded, trained on as plain peft would."""

import copy
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from offbook.models.adapter import parameter_counts
from offbook.models.storage import (
    Int8Linear,
    NF4Linear,
    StoredLinear,
    is_quantized,
    is_stored,
    loses_nothing,
    store,
    store_in_float32,
    unquantize,
)
from offbook.training import fast_path
from tests.tiny import tiny_model
from tests.training.samples import MODULES, apart, examples, plain_gradients
from tests.training.test_fast_path import fast_gradients

QUANTIZED = {"int8": Int8Linear, "nf4": NF4Linear}


def with_adapter(base: Any) -> Any:
    """The model with one and the same adapter."""
    model = get_peft_model(base, LoraConfig(r=4, lora_alpha=8, target_modules=MODULES))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) / 8)
    return model


@pytest.mark.parametrize("storage", QUANTIZED)
def test_all_but_embeddings_and_output_layer_is_quantized(storage: Any) -> None:
    original = tiny_model("llama")
    model = store(tiny_model("llama"), storage)
    output = model.get_output_embeddings()
    kinds = {type(layer) for layer in model.modules() if isinstance(layer, nn.Linear) and layer is not output}
    assert kinds == {QUANTIZED[storage]}
    assert type(output) is StoredLinear
    assert output.weight.dtype == torch.bfloat16
    assert is_stored(model)
    assert not is_stored(original)
    assert parameter_counts(model) == (sum(p.numel() for p in original.parameters()), 0)


def test_a_model_published_in_bfloat16_loses_nothing_in_it() -> None:
    model = tiny_model("llama-tied")
    assert not loses_nothing(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.bfloat16())
    norm = model.model.norm.weight
    norm.data += 1e-5  # stays in float32 whatever it is
    assert loses_nothing(model)
    model.model.embed_tokens.weight.data[-1, -1] += 1e-5
    assert not loses_nothing(model)


@pytest.mark.parametrize(("storage", "bits"), [("int8", 9.0), ("nf4", 4.5)])
def test_a_weight_takes_so_many_bits(storage: Any, bits: float) -> None:
    layer = store(tiny_model("llama"), storage).model.layers[0].mlp.up_proj
    size = sum(tensor.numel() * tensor.element_size() for tensor in (*layer.parameters(), *layer.buffers()))
    assert 8 * size / (layer.in_features * layer.out_features) <= bits


def test_int8_is_off_by_half_a_step_at_most() -> None:
    weight = tiny_model("llama").model.layers[0].mlp.up_proj.weight
    layer = store(tiny_model("llama"), "int8").model.layers[0].mlp.up_proj
    step = weight.abs().amax(1, keepdim=True) / 127
    error = (layer.dense_weight(torch.float32) - weight).abs()
    assert (error <= 0.501 * step).all()
    assert error.max() > 0.3 * step.min()


@pytest.mark.parametrize("storage", QUANTIZED)
@pytest.mark.parametrize("architecture", ["llama-tied", "ernie", "gemma3"])
def test_the_gradient_is_plain_peft_s_on_the_same_rounded_base(architecture: str, storage: Any) -> None:
    rows = examples(4)
    stored = store(tiny_model(architecture), storage)
    widened = copy.deepcopy(stored)
    store_in_float32(widened)
    assert not is_stored(widened)
    reference, _ = plain_gradients(with_adapter(widened), rows)
    original, _ = plain_gradients(with_adapter(tiny_model(architecture)), rows)
    model = with_adapter(stored)
    by_peft, _ = plain_gradients(model, rows)
    assert fast_path.enable(model) == []
    fast, _ = fast_gradients(model, rows, max_tokens=150)
    assert apart(by_peft, reference) < 5e-6  # peft's own forward pass over the stored layers
    assert apart(fast, reference) < 5e-6
    assert apart(fast, original) > 1e-3


@pytest.mark.parametrize("storage", QUANTIZED)
def test_products_of_quantized_weights_can_be_in_bfloat16(storage: Any) -> None:
    rows = examples(3)
    exact = with_adapter(store(tiny_model("llama"), storage))
    fast_path.enable(exact)
    reference, _ = fast_gradients(exact, rows, max_tokens=150)
    model = with_adapter(store(store(tiny_model("llama"), storage), compute=torch.bfloat16))
    fast_path.enable(model)
    gradients, _ = fast_gradients(model, rows, max_tokens=150)
    assert 1e-4 < apart(gradients, reference) < 0.1


def test_plain_peft_gives_the_same_logits_on_the_base_that_bitsandbytes_quantized(tmp_path: Any) -> None:
    pytest.importorskip("bitsandbytes", reason="pip install bitsandbytes to compare with it")
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    # On a processor bitsandbytes misreads rows that are no multiple of its blocks of 64.
    original = tiny_model("llama", hidden_size=64, intermediate_size=128, head_dim=16)
    with torch.no_grad():
        for parameter in original.parameters():
            parameter.copy_(parameter.bfloat16())
    original.save_pretrained(tmp_path / "base")
    model = with_adapter(store(copy.deepcopy(original), "nf4"))
    model.save_pretrained(tmp_path / "adapter")
    theirs = AutoModelForCausalLM.from_pretrained(
        tmp_path / "base",
        dtype=torch.float32,
        quantization_config=BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4"),
    )
    # In evaluation mode bitsandbytes rounds activations to bfloat16 where the processor has instructions for it.
    loaded = PeftModel.from_pretrained(theirs, str(tmp_path / "adapter"), is_trainable=True).train()
    ids = torch.tensor([[5, 6, 7, 8, 9, 10]])
    expected = model(input_ids=ids).logits
    assert torch.allclose(loaded(input_ids=ids).logits, expected, atol=1e-5)
    assert not torch.allclose(with_adapter(original)(input_ids=ids).logits, expected, atol=1e-3)


@pytest.mark.parametrize("adapted", [False, True])
@pytest.mark.parametrize("storage", QUANTIZED)
def test_a_quantized_model_gets_its_weights_back(storage: Any, adapted: bool) -> None:
    wrap = with_adapter if adapted else (lambda model: model)
    model = wrap(store(tiny_model("llama"), storage))
    ids = torch.arange(3, 12)[None]
    expected = wrap(store(tiny_model("llama"), "bfloat16"))(ids).logits
    assert is_quantized(model)
    assert not torch.allclose(model(ids).logits, expected, rtol=1e-3)
    unquantize(model, store(tiny_model("llama"), "bfloat16"))
    assert not is_quantized(model)
    assert torch.equal(model(ids).logits, expected)
    assert parameter_counts(model)[1] == (sum(p.numel() for n, p in model.named_parameters() if "lora_" in n))
