"""The architectures that llama.cpp runs, and what a GGUF file says of each.

A file's metadata is read from transformers' configuration by the names that its architectures share. What llama.cpp
takes for granted of an architecture (which layers have a sliding window, how scores are scaled) is checked here, so
that a model that differs is refused in a sentence instead of failing the comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gguf import MODEL_ARCH, GGUFWriter, RopeScalingType
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from offbook.core.errors import UsageError
from offbook.core.i18n import marked, translate
from offbook.core.progress import fill
from offbook.exporters import gguf_experts, qwen3_5
from offbook.exporters.gguf_experts import Check

ELSEWHERE = marked("Export with --to merged, and convert that folder with llama.cpp's own converter.")

DEFAULT_CONTEXT = 8192
"""Tokens of a model that names no limit."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A transformers model type in llama.cpp."""

    kind: MODEL_ARCH
    interleaves: bool = False
    """llama.cpp rotates neighbouring values where transformers rotates halves: rows of q and k are reordered."""
    centred_norms: bool = False
    """transformers multiplies by 1 + weight in its norms, llama.cpp by the weight."""
    has_windows: bool = False
    """llama.cpp knows which of its layers have a sliding window."""
    has_linear_attention: bool = False
    """Its layers of linear attention are Qwen3.5's."""
    ropes: tuple[str, ...] = ("default", "llama3", "linear", "yarn")
    """How positions may be scaled."""
    check: Check = lambda _config: None


def every(period: int) -> Check:
    """A check that one layer in `period`, the last, attends to everything, and the others to a sliding window."""

    def check(config: Any) -> str | None:
        layers = getattr(config, "layer_types", None) or []
        expected = ["sliding_attention" if (n + 1) % period else "full_attention" for n in range(len(layers))]
        differs = layers != expected and "sliding_attention" in layers
        text = marked("its sliding windows are not in all layers but one in {period}")
        return fill(text, {"period": period}) if differs else None

    return check


def _gemma(period: int) -> Check:
    def check(config: Any) -> str | None:
        if config.query_pre_attn_scalar != config.head_dim:
            return marked("its attention is scaled in a way of its own")
        return every(period)(config)

    return check


def _smollm3(config: Any) -> str | None:
    expected = [int((n + 1) % 4 != 0) for n in range(config.num_hidden_layers)]
    return None if config.no_rope_layers == expected else marked("not every fourth layer is the one without positions")


def _exaone4(config: Any) -> str | None:
    windows = "sliding_attention" in (config.layer_types or ())
    if windows and config.num_hidden_layers != 64:
        return "llama.cpp knows sliding windows of its model with 64 layers alone"
    return every(4)(config)


ARCHITECTURES = {
    "arcee": Architecture(MODEL_ARCH.ARCEE, interleaves=True),
    "cohere": Architecture(MODEL_ARCH.COMMAND_R),
    "cohere2": Architecture(MODEL_ARCH.COHERE2, has_windows=True, check=every(4)),
    "ernie4_5": Architecture(MODEL_ARCH.ERNIE4_5),
    "ernie4_5_moe": Architecture(MODEL_ARCH.ERNIE4_5_MOE, check=gguf_experts.all_later_layers),
    "exaone4": Architecture(MODEL_ARCH.EXAONE4, has_windows=True, check=_exaone4),
    "gemma": Architecture(MODEL_ARCH.GEMMA, centred_norms=True),
    "gemma2": Architecture(MODEL_ARCH.GEMMA2, centred_norms=True, has_windows=True, check=_gemma(2)),
    "gemma3_text": Architecture(MODEL_ARCH.GEMMA3, centred_norms=True, has_windows=True, check=_gemma(6)),
    "glm4": Architecture(MODEL_ARCH.GLM4),
    "gpt2": Architecture(MODEL_ARCH.GPT2),
    "granite": Architecture(MODEL_ARCH.GRANITE, interleaves=True),
    "granitemoe": Architecture(MODEL_ARCH.GRANITE_MOE, interleaves=True),
    "hunyuan_v1_dense": Architecture(MODEL_ARCH.HUNYUAN_DENSE),
    "lfm2": Architecture(MODEL_ARCH.LFM2),
    "lfm2_moe": Architecture(MODEL_ARCH.LFM2MOE, check=gguf_experts.weighed(normalised=True)),
    "llama": Architecture(MODEL_ARCH.LLAMA, interleaves=True),
    "ministral3": Architecture(MODEL_ARCH.MISTRAL3, interleaves=True, ropes=("yarn",)),
    "mistral": Architecture(MODEL_ARCH.LLAMA, interleaves=True),
    "mixtral": Architecture(MODEL_ARCH.LLAMA, interleaves=True),
    "olmo2": Architecture(MODEL_ARCH.OLMO2),
    "olmo3": Architecture(MODEL_ARCH.OLMO2, has_windows=True, check=every(4)),
    "olmoe": Architecture(MODEL_ARCH.OLMOE, check=gguf_experts.weighed(normalised=False)),
    "phi3": Architecture(MODEL_ARCH.PHI3, ropes=("default", "longrope")),
    "qwen2": Architecture(MODEL_ARCH.QWEN2),
    "qwen2_5_vl_text": Architecture(MODEL_ARCH.QWEN2),  # of a text alone, positions of three kinds are one
    "qwen2_moe": Architecture(MODEL_ARCH.QWEN2MOE, check=gguf_experts.weighed(normalised=False)),
    "qwen2_vl_text": Architecture(MODEL_ARCH.QWEN2),
    "qwen3": Architecture(MODEL_ARCH.QWEN3),
    "qwen3_5_moe_text": Architecture(
        MODEL_ARCH.QWEN35MOE,
        centred_norms=True,
        has_linear_attention=True,
        ropes=("default",),
        check=qwen3_5.obstacle,
    ),
    "qwen3_5_text": Architecture(
        MODEL_ARCH.QWEN35,
        centred_norms=True,
        has_linear_attention=True,
        ropes=("default",),
        check=qwen3_5.obstacle,
    ),
    "qwen3_moe": Architecture(MODEL_ARCH.QWEN3MOE, check=gguf_experts.weighed(normalised=True)),
    "qwen3_vl_moe_text": Architecture(MODEL_ARCH.QWEN3MOE, check=gguf_experts.weighed(normalised=True)),
    "qwen3_vl_text": Architecture(MODEL_ARCH.QWEN3),
    "seed_oss": Architecture(MODEL_ARCH.SEED_OSS),
    "smollm3": Architecture(MODEL_ARCH.SMOLLM3, interleaves=True, check=_smollm3),
    "stablelm": Architecture(MODEL_ARCH.STABLELM),
    "starcoder2": Architecture(MODEL_ARCH.STARCODER2),
}
"""transformers' `model_type` → what llama.cpp makes of it."""


def architecture_of(config: Any) -> Architecture:
    """The architecture of a transformers configuration in llama.cpp.

    Raises:
        UsageError: it has none here, or the model does something that it does not.
    """
    config = config.get_text_config()
    architecture = ARCHITECTURES.get(config.model_type)
    if architecture is None:
        raise UsageError(
            "offbook writes no GGUF files of {model_type} models",
            ELSEWHERE,
            model_type=config.model_type,
        )
    reason = architecture.check(config)
    if any(rope.get("rope_type", "default") not in architecture.ropes for rope in _ropes(config)):
        reason = marked("its positions are scaled in a way of their own")
    if any(_has_own_scale(rope) for rope in _ropes(config)):
        reason = marked("its positions are scaled in a way of their own")
    if (
        _window(config)
        and not architecture.has_windows
        and "full_attention" in (getattr(config, "layer_types", None) or ())
    ):
        reason = marked("some of its layers have a sliding window")
    if reason:
        raise UsageError(
            "this {model_type} model cannot be written for llama.cpp here: {reason}",
            ELSEWHERE,
            model_type=config.model_type,
            reason=translate(reason),
        )
    return architecture


def add_hyperparameters(writer: GGUFWriter, config: Any, feed_forward: int) -> None:
    """Write what llama.cpp has to know of a text model's configuration.

    Args:
        writer: of the file.
        config: the text model's configuration.
        feed_forward: width of the blocks' feed-forward layers.
    """
    window = _window(config)
    writer.add_vocab_size(config.vocab_size)
    # Within its window, a model that has one everywhere is a model without.
    has_windows = architecture_of(config).has_windows
    context = _known_context(config)
    writer.add_context_length(min(context, window) if window and not has_windows else context)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(feed_forward)
    _add_attention(writer, config)
    if window and has_windows:
        writer.add_sliding_window(window)
    _add_rope(writer, config)
    _add_factors(writer, config)
    if architecture_of(config).has_linear_attention:
        qwen3_5.add_hyperparameters(writer, config)
    gguf_experts.add_hyperparameters(writer, config)


def note_on_context(config: Any) -> str | None:
    """A sentence where the copy knows shorter texts than the model."""
    all_tokens, tokens = _stated_context(config), _known_context(config)
    if tokens == all_tokens:
        return None
    text = marked(
        "the copy knows texts of {tokens} tokens, the model {all_tokens}: llama.cpp would read longer ones otherwise"
    )
    return fill(text, {"tokens": tokens, "all_tokens": all_tokens})


def _known_context(config: Any) -> int:
    """Tokens that the copy knows: with `longrope`, those of the model's first training; its factors are theirs."""
    rope = rope_of(config) or {}
    context = _stated_context(config)
    return min(context, rope["original_max_position_embeddings"]) if rope.get("rope_type") == "longrope" else context


def _stated_context(config: Any) -> int:
    context: int = _first(config, "max_position_embeddings", "max_seq_len", "n_positions") or DEFAULT_CONTEXT
    return context


def head_size(config: Any) -> int:
    """Values of an attention head."""
    size: int = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return size


def _add_attention(writer: GGUFWriter, config: Any) -> None:
    kv_heads = _first(config, "num_key_value_heads") or config.num_attention_heads
    writer.add_head_count(config.num_attention_heads)
    if config.model_type in ("lfm2", "lfm2_moe"):
        writer.add_head_count_kv([kv_heads if kind == "full_attention" else 0 for kind in config.layer_types])
        writer.add_shortconv_l_cache(config.conv_L_cache)
    else:
        writer.add_head_count_kv(kv_heads)
    writer.add_key_length(head_size(config))
    writer.add_value_length(head_size(config))
    rms = _first(config, "rms_norm_eps", "norm_eps")
    if rms is not None:
        writer.add_layer_norm_rms_eps(rms)
    other = _first(config, "layer_norm_epsilon", "layer_norm_eps", "norm_epsilon")
    if other is not None:
        writer.add_layer_norm_eps(other)


def _add_rope(writer: GGUFWriter, config: Any) -> None:
    ropes = _ropes(config)
    if not ropes:
        return
    rope = ropes[0]
    share = rope.get("partial_rotary_factor") or _first(config, "partial_rotary_factor") or 1.0
    writer.add_rope_dimension_count(int(head_size(config) * share))
    writer.add_rope_freq_base(rope["rope_theta"])
    if len(ropes) > 1:
        writer.add_rope_freq_base_swa(ropes[1]["rope_theta"])
    if rope.get("rope_type") == "linear":
        writer.add_rope_scaling_type(RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if rope.get("rope_type") == "yarn":
        writer.add_rope_scaling_type(RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        writer.add_rope_scaling_yarn_beta_fast(rope.get("beta_fast") or 32.0)
        writer.add_rope_scaling_yarn_beta_slow(rope.get("beta_slow") or 1.0)
        if rope.get("mscale_all_dim"):
            writer.add_rope_scaling_yarn_log_mul(rope["mscale_all_dim"])
        if rope.get("llama_4_scaling_beta"):
            writer.add_attn_temperature_scale(rope["llama_4_scaling_beta"])
    if rope.get("rope_type") == "longrope":
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        writer.add_rope_scaling_attn_factors(ROPE_INIT_FUNCTIONS["longrope"](config)[1])


def _add_factors(writer: GGUFWriter, config: Any) -> None:
    """Factors and caps that some architectures have."""
    if (cap := _first(config, "attn_logit_softcapping")) is not None:
        writer.add_attn_logit_softcapping(cap)
    if (cap := _first(config, "final_logit_softcapping")) is not None:
        writer.add_final_logit_softcapping(cap)
    if (scale := _first(config, "logit_scale", "logits_scaling")) is not None:
        writer.add_logit_scale(scale)
    if (scale := _first(config, "embedding_multiplier")) is not None:
        writer.add_embedding_scale(scale)
    if (scale := _first(config, "residual_multiplier")) is not None:
        writer.add_residual_scale(scale)
    if (scale := _first(config, "attention_multiplier")) is not None:
        writer.add_attention_scale(scale)
    if config.model_type == "stablelm":
        writer.add_parallel_residual(config.use_parallel_residual)


def rope_of(config: Any) -> dict[str, Any] | None:
    """The rotary parameters of the layers that see everything; None where positions are not rotated."""
    return next(iter(_ropes(config)), None)


def _ropes(config: Any) -> list[dict[str, Any]]:
    """The rotary parameters: of all layers, or of those that see everything, then of those with a sliding window."""
    parameters = getattr(config, "rope_parameters", None) or {}
    if "full_attention" in parameters:
        return [parameters[kind] for kind in ("full_attention", "sliding_attention") if kind in parameters]
    return [parameters] if parameters else []


def _has_own_scale(rope: dict[str, Any]) -> bool:
    """Whether YaRN scales what is rotated by another factor than its own, or, in Ministral 3, than one."""
    is_ministral = rope.get("llama_4_scaling_beta") is not None and rope.get("mscale") == rope.get("mscale_all_dim")
    scales = () if is_ministral else ("mscale", "mscale_all_dim")
    return any(rope.get(name) for name in ("attention_factor", *scales))


def _window(config: Any) -> int | None:
    """Tokens of the sliding window of a model that has one somewhere."""
    layers = getattr(config, "layer_types", None)
    window: int | None = _first(config, "sliding_window")
    return window if layers is None or "sliding_attention" in layers else None


def _first(config: Any, *names: str) -> Any:
    """The first of these settings that a configuration has."""
    return next((value for name in names if (value := getattr(config, name, None)) is not None), None)
