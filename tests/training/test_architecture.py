"""Each structure that rules a part of the fast path out is recognised by its form, with the reason."""

from typing import Any

import pytest
import torch
from torch import nn

from offbook.core.errors import UsageError
from offbook.models.adapter import attach
from offbook.training import architecture, fast_path
from offbook.training.architecture import UnsupportedArchitecture, check_trainable
from tests.architectures import tiny_config
from tests.architectures import tiny_model as tiny_encoder
from tests.tiny import ARCHITECTURES, tiny_model
from tests.training.samples import adapted, apart, examples, plain_gradients
from tests.training.test_fast_path import fast_gradients

FULLY_SUPPORTED = sorted(set(ARCHITECTURES) - {"gemma2", "granite", "cohere", "hyperclovax"})


@pytest.mark.parametrize("name", FULLY_SUPPORTED)
def test_supported_architectures_pass_every_check(name: str) -> None:
    base = tiny_model(name)
    base.requires_grad_(False)
    for check in (architecture.check_packing, architecture.check_decoder_layers, architecture.check_head):
        check(base)
    assert base.config.model_type in architecture.TESTED_MODEL_TYPES


def without_backend(base: Any) -> None:
    type(base)._supports_attention_backend = False


def with_recurrent_layers(base: Any) -> None:
    base.config.layer_types = ["full_attention", "linear_attention", "full_attention"]


def with_a_cap(base: Any) -> None:
    base.config.attn_logit_softcapping = 30.0


def that_hands_nothing_on(base: Any) -> None:
    base.base_model.forward = lambda input_ids, position_ids=None, use_cache=False: None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without_backend, "attention cannot be replaced"),
        (with_recurrent_layers, "not all of its layers are attention"),
        (with_a_cap, "caps its scores"),
        (that_hands_nothing_on, "hands no keyword arguments on"),
    ],
)
def test_what_cannot_be_packed_says_why(change: Any, reason: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tiny_model("llama")
    monkeypatch.setattr(type(base), "_supports_attention_backend", True)
    change(base)
    with pytest.raises(UnsupportedArchitecture, match=reason):
        architecture.check_packing(base)


class LayerNorm(nn.LayerNorm):
    """A norm that also subtracts the mean."""


def one_projection(layer: Any) -> None:
    layer.self_attn.qkv_proj = layer.self_attn.q_proj
    del layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj


def experts(layer: Any) -> None:
    layer.mlp.gate = nn.Linear(32, 4)


def another_norm(layer: Any) -> None:
    layer.input_layernorm = LayerNorm(32)


def norm_over_all_heads(layer: Any) -> None:
    layer.self_attn.q_norm = type(layer.input_layernorm)(32)
    layer.self_attn.k_norm = type(layer.input_layernorm)(16)


def half_of_the_norms(layer: Any) -> None:
    layer.pre_feedforward_layernorm = type(layer.input_layernorm)(32)


def scaled_residual(layer: Any) -> None:
    layer.residual_multiplier = 0.5


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (one_projection, "attention has no k_proj, q_proj, v_proj"),
        (experts, "MLP has parts that are not computed: gate"),
        (another_norm, "input_layernorm is no RMS norm"),
        (norm_over_all_heads, "q_norm is not taken over each head"),
        (half_of_the_norms, "layer has parts that are not computed: pre_feedforward_layernorm"),
        (scaled_residual, "scales what its layers add"),
    ],
)
def test_a_layer_of_another_form_says_why(change: Any, reason: Any) -> None:
    base: Any = tiny_model("llama")
    change(base.base_model.layers[1])
    with pytest.raises(UnsupportedArchitecture, match=reason):
        architecture.check_decoder_layers(base)


def test_a_model_without_decoder_layers_or_with_part_rotation_says_why() -> None:
    base: Any = tiny_model("llama")
    base.base_model.rotary_emb.inv_freq = torch.ones(2)
    with pytest.raises(UnsupportedArchitecture, match="rotates a part"):
        architecture.check_decoder_layers(base)
    base.base_model.layers = None
    with pytest.raises(UnsupportedArchitecture, match="no list of decoder layers"):
        architecture.check_decoder_layers(base)


def test_an_unsupported_structure_is_noted_and_computed_by_the_model_s_own_code() -> None:
    """A real one of each kind, through `enable`: the note has the reason, and the gradient is right."""
    model, rows = adapted("llama"), examples(4)
    with_a_cap(model.get_base_model())
    reference, _ = plain_gradients(model, rows)
    (note,) = fast_path.enable(model)
    assert note == "LlamaForCausalLM: its attention caps its scores. Its examples are computed one by one."
    result, _ = fast_gradients(model, rows, max_tokens=150)
    assert apart(result, reference) < 5e-6


def test_factors_of_logits() -> None:
    for name, factor in {"granite": 1 / 8, "cohere": 0.25, "llama": 1.0}.items():
        assert architecture.logit_factor(tiny_model(name).config) == factor


def test_a_layer_that_no_gradient_reaches_is_named() -> None:
    model: Any = adapted("llama")
    assert check_trainable(model) == []
    layer: Any = model.get_base_model().model.layers[0].self_attn.q_proj
    layer.forward = layer.base_layer.forward  # computed without its adapter
    (note,) = check_trainable(model)
    assert note.endswith("learn nothing: model.layers.*.self_attn.q_proj")
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_model_that_cannot_be_computed_is_refused_in_a_sentence() -> None:
    model: Any = adapted("llama")

    def missing(*_: Any, **__: Any) -> Any:
        raise RuntimeError("this kernel is not here\nand more about it")

    model.get_base_model().model.layers[0].forward = missing
    with pytest.raises(UsageError, match=r"LlamaForCausalLM cannot be trained here: this kernel is not here\n"):
        check_trainable(model)


def test_a_model_that_never_learns_is_refused() -> None:
    model: Any = adapted("llama")
    for layer in model.get_base_model().model.layers:
        for part in (*layer.self_attn.children(), *layer.mlp.children()):
            if hasattr(part, "base_layer"):
                part.forward = part.base_layer.forward
    with pytest.raises(UsageError, match="no gradient reaches its adapter"):
        check_trainable(model)


def test_an_encoder_is_no_language_model() -> None:
    """BERT loads as one, and would copy the words that it is to foretell."""
    model = tiny_encoder(tiny_config("bert"))
    with pytest.raises(UsageError, match="sees what comes after a word"):
        check_trainable(attach(model, rank=2, alpha=4, dropout=0.5, target_modules=["all-linear"], seed=0))
