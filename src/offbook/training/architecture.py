"""What the fast path can compute of a model: explicit checks of its structure.

Each check raises `UnsupportedArchitecture` with the reason: a model declares by its form that a part of the fast path
is not for it. Whatever else goes wrong on the fast path is a bug, and is raised as one.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import torch
from peft import PeftModel
from torch import nn

from offbook.core.errors import UsageError, is_out_of_memory
from offbook.training import flash_attention

TESTED_MODEL_TYPES = frozenset(
    ("llama", "mistral", "qwen2", "qwen3", "ernie4_5", "gemma2", "gemma3_text", "granite", "cohere", "hyperclovax")
)
"""Model types (`config.model_type`) whose gradient is compared with plain peft's in the tests: once the checks below
have passed, a difference is a bug."""

LOGIT_FACTORS: dict[str, Callable[[Any], float]] = {
    "cohere": lambda config: config.logit_scale,
    "granite": lambda config: 1 / config.logits_scaling,
}
"""Model type → the factor of its logits, read from its config."""


CAUSAL = 0.001, 0.01
"""The largest change of a hidden state, as a share of the largest one, that rounding explains: float32, others."""


class UnsupportedArchitecture(Exception):
    """A model's structure rules out a part of the fast path; the message says why."""


def decoder_of(base: Any) -> Any:
    """The decoder of a causal language model, from its embeddings to its last norm.

    In a model of text and pictures that is the language model alone.
    """
    decoder = base.get_decoder()
    if isinstance(decoder, nn.Linear):  # ModernBERT's output layer goes by that name
        return base.base_model
    return decoder if decoder is not base else base.model  # Llama 4's text model names a prefix that it does not have


def check_trainable(model: PeftModel) -> list[str]:
    """Check that the model's own code computes a gradient for the adapter.

    Returns:
        A sentence on the layers whose adapters would never learn, if there are any.

    Raises:
        UsageError: it cannot be computed here, no part of the adapter would learn, or it is no causal model.
    """
    base: Any = model.get_base_model()
    ids = torch.linspace(3, base.config.get_text_config().vocab_size - 1, 8).long()[None].to(base.device)
    inside = {id(p) for p in decoder_of(base).parameters()}  # an adapter of the output layer is not asked
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad and id(p) in inside}
    kept = {name: p.grad for name, p in trained.items()}
    try:
        with torch.random.fork_rng([base.device] if base.device.type == "cuda" else []):
            hidden = decoder_of(base)(input_ids=ids, use_cache=False).last_hidden_state
            if hidden.requires_grad:
                hidden.float().square().mean().backward()
        idle = sorted({name.partition(".lora_")[0] for name, p in trained.items() if p.grad is None})
    except Exception as error:  # a model's code may fail in any way; what it says is the reason
        if is_out_of_memory(error):
            raise
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise UsageError(
            "{name} cannot be trained here: {lines}",
            "Choose another model; docs/models.md lists those that are tested.",
            name=type(base).__name__,
            lines=lines[0],
        ) from error
    finally:
        for name, parameter in trained.items():
            parameter.grad = kept[name]
    if trained and len(idle) == len({name.partition(".lora_")[0] for name in trained}):
        raise UsageError(
            "{name} cannot be trained: no gradient reaches its adapter",
            "Name other layers: --lora.target_modules.",
            name=type(base).__name__,
        )
    if not _is_causal(base, ids):
        raise UsageError(
            "{name} sees what comes after a word: it cannot learn to speak",
            "Take a model that writes text from left to right (a causal language model).",
            name=type(base).__name__,
        )
    names = sorted({re.sub(r"\.\d+\.", ".*.", name.removeprefix("base_model.model.")) for name in idle})
    return (
        [f"no gradient reaches the adapters of these layers, they learn nothing: {', '.join(names)}"] if names else []
    )


@torch.no_grad()
def _is_causal(base: Any, ids: torch.Tensor) -> bool:
    """Whether another last token leaves what stands before it as it was.

    Encoders (BERT) can be loaded as language models, too: they would see each label, and learn to copy it.
    """
    other = ids.clone()
    other[0, -1] = ids[0, 0]
    hidden = []
    for tokens in (ids, other):
        with torch.random.fork_rng([base.device] if base.device.type == "cuda" else []):
            torch.manual_seed(0)  # the adapter's dropout is the same, if there is any
            hidden.append(decoder_of(base)(input_ids=tokens, use_cache=False).last_hidden_state[0, :-1].float())
    bound = CAUSAL[base.dtype != torch.float32]
    return bool((hidden[0] - hidden[1]).abs().max() <= bound * hidden[0].abs().max())


def check_packing(base: Any) -> None:
    """Check that several examples can share one row of tokens, kept apart by attention alone.

    Args:
        base: the transformers causal language model.

    Raises:
        UnsupportedArchitecture: its attention cannot be replaced, caps its scores, or is not all that mixes tokens.
    """
    config = base.config.get_text_config()
    if not base._supports_attention_backend:
        raise UnsupportedArchitecture("its attention cannot be replaced")
    if getattr(config, "attn_logit_softcapping", None) is not None:
        raise UnsupportedArchitecture("its attention caps its scores")
    others = set(getattr(config, "layer_types", None) or ()) - {"full_attention", "sliding_attention"}
    if base._is_stateful or others:
        raise UnsupportedArchitecture("not all of its layers are attention")
    if not _takes_keywords(decoder_of(base).forward):
        raise UnsupportedArchitecture("it hands no keyword arguments on to its attention")


def check_decoder_layers(base: Any) -> None:
    """Check that `decoder_layer.layer_forward` computes what the model's decoder layers compute.

    Raises:
        UnsupportedArchitecture: a layer lacks a part that is computed, or has one that is not.
    """
    layers: Any = getattr(decoder_of(base), "layers", None)
    if not isinstance(layers, nn.ModuleList) or not len(layers):
        raise UnsupportedArchitecture("it has no list of decoder layers")
    for layer in layers:
        _check_decoder_layer(layer)
    attention: Any = layers[0].self_attn
    rotary = getattr(decoder_of(base), "rotary_emb", None)
    inverse_frequencies = getattr(rotary, "inv_freq", None)
    if inverse_frequencies is not None and 2 * inverse_frequencies.numel() != attention.head_dim:
        raise UnsupportedArchitecture("it rotates a part of each head only")


def has_flash_attention(base: Any) -> bool:
    """Whether the attention of a model that `check_decoder_layers` accepts can be computed by the kernel of GPUs."""
    between_layers = base.get_input_embeddings()(torch.zeros(1, dtype=torch.int64, device=base.device)).dtype
    return flash_attention.is_possible(between_layers, decoder_of(base).layers[0].self_attn.head_dim, base.device)


def has_fixed_rotation(base: Any) -> bool:
    """Whether the rotary embedding's frequencies are the same for a text of any length."""
    kind = getattr(getattr(decoder_of(base), "rotary_emb", None), "rope_type", "default")
    kinds = kind.values() if isinstance(kind, dict) else (kind,)
    return not any("dynamic" in name or name == "longrope" for name in kinds)


def check_head(base: Any) -> None:
    """Check that the logits are the final hidden states times a frozen linear layer's weight and a known factor.

    Raises:
        UnsupportedArchitecture: the output layer is trained or unusual, or the logits are scaled in an unknown way.
    """
    head = base.get_output_embeddings()
    if not isinstance(head, nn.Linear) or any(parameter.requires_grad for parameter in head.parameters()):
        raise UnsupportedArchitecture("its output layer is trained or unusual")
    logit_factor(base.config.get_text_config())


def logit_factor(config: Any) -> float:
    """The factor by which a model multiplies the product of its output layer.

    Raises:
        UnsupportedArchitecture: the config names a scale, and the model type's use of it is not known.
    """
    for model_type, factor in LOGIT_FACTORS.items():
        if config.model_type.startswith(model_type):
            return factor(config)
    if hasattr(config, "logit_scale") or hasattr(config, "logits_scaling"):
        raise UnsupportedArchitecture("it scales its logits in a way of its own")
    return 1.0


def _check_decoder_layer(layer: Any) -> None:
    """Compare a layer's parts, by name and kind, with those that `layer_forward` computes."""
    _check_parts(
        "layer",
        layer,
        {"self_attn", "mlp", "input_layernorm", "post_attention_layernorm"},
        {"pre_feedforward_layernorm", "post_feedforward_layernorm"},
    )
    attention = layer.self_attn
    _check_parts("attention", attention, {"q_proj", "k_proj", "v_proj", "o_proj"}, {"q_norm", "k_norm"})
    _check_parts("MLP", layer.mlp, {"gate_proj", "up_proj", "down_proj", "act_fn"}, set())
    if getattr(layer, "residual_multiplier", 1.0) != 1.0:
        raise UnsupportedArchitecture("it scales what its layers add")
    if not isinstance(getattr(attention, "head_dim", None), int) or not hasattr(attention, "scaling"):
        raise UnsupportedArchitecture("its attention has no `head_dim` and `scaling`")
    for name, module in (*layer.named_children(), *attention.named_children()):
        if name.endswith("norm"):
            _check_rms_norm(name, module, size=attention.head_dim if name in ("q_norm", "k_norm") else None)


def _check_parts(what: str, module: nn.Module, required: set[str], optional: set[str]) -> None:
    """Require all of one set of submodules, all or none of another, and no other that has parameters or computes."""
    names = {name for name, part in module.named_children() if not isinstance(part, nn.Identity)}
    if missing := required - names:
        raise UnsupportedArchitecture(f"its {what} has no {', '.join(sorted(missing))}")
    extra = names - required
    if extra and extra != optional:
        raise UnsupportedArchitecture(f"its {what} has parts that are not computed: {', '.join(sorted(extra))}")


def _check_rms_norm(name: str, module: nn.Module, size: int | None) -> None:
    """Require an RMS norm, over `size` values if that is given; peft's wrapper of a trained norm is looked into."""
    norm: Any = getattr(module, "original_module", module)
    if "RMSNorm" not in type(norm).__name__ or not (hasattr(norm, "variance_epsilon") or hasattr(norm, "eps")):
        raise UnsupportedArchitecture(f"its {name} is no RMS norm")
    if size is not None and norm.weight.shape != (size,):
        raise UnsupportedArchitecture(f"its {name} is not taken over each head")


def _takes_keywords(function: Callable[..., Any]) -> bool:
    """Whether a function accepts keyword arguments that it does not name."""
    parameters = inspect.signature(function).parameters.values()
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
