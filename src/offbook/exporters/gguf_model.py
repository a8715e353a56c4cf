"""A transformers model, or a LoRA adapter alone, as a GGUF file that llama.cpp runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import (
    GGML_QUANT_SIZES,
    MODEL_ARCH,
    MODEL_ARCH_NAMES,
    GGUFWriter,
    get_tensor_name_map,
    quant_shape_to_byte_shape,
)

from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import UsageError
from offbook.core.registry import lookup
from offbook.exporters.gguf_vocab import add_vocabulary
from offbook.exporters.quantize import FILE_TYPES, Type, fallbacks, pack, tensor_type
from offbook.exporters.source import ExportSource


@dataclass(frozen=True, slots=True)
class Architecture:
    """A transformers model type in llama.cpp."""

    kind: MODEL_ARCH
    interleaves: bool = False
    """llama.cpp rotates neighbouring values where transformers rotates halves: rows of q and k are reordered."""


ARCHITECTURES = {
    "ernie4_5": Architecture(MODEL_ARCH.ERNIE4_5),
    "llama": Architecture(MODEL_ARCH.LLAMA, interleaves=True),
    "qwen2": Architecture(MODEL_ARCH.QWEN2),
    "qwen3": Architecture(MODEL_ARCH.QWEN3),
}
"""transformers' `model_type` → what llama.cpp makes of it."""


def write_model(path: Path, source: ExportSource, model: Any, quant: str) -> list[str]:
    """Write a model with the character's tokenizer and chat template.

    Args:
        path: the GGUF file.
        source: the character.
        model: a causal language model without an adapter.
        quant: f16, q8_0 or q4_k_m.

    Returns:
        Sentences that the user should read.

    Raises:
        UsageError: the architecture, or something it does, has no counterpart here.
    """
    config = model.config
    writer = _writer(path, config, source.name)
    _add_hyperparameters(writer, config)
    writer.add_file_type(FILE_TYPES[quant])
    writer.add_quantization_version(2)
    writer.add_chat_template(source.template)
    _add_sampling(writer, source.persona.generation)
    add_vocabulary(writer, source.tokenizer, config.vocab_size, source.persona.stop_token)
    weights = dict(_weights(model))
    layers, tied = config.num_hidden_layers, "output.weight" not in weights
    types = {key: tensor_type(key, tuple(value.shape), quant, layers, tied=tied) for key, value in weights.items()}
    _write_tensors(writer, weights, types)
    note = fallbacks({key: kind for key, kind in types.items() if kind != Type.F32}, quant)
    return [note] if note else []


def write_lora(path: Path, model: Any, name: str) -> None:
    """Write a PEFT model's adapter alone, in float32, for llama.cpp to put on the base model's GGUF.

    Raises:
        UsageError: the adapter is not plain LoRA, or as for `write_model`.
    """
    settings = model.peft_config["default"]
    if settings.use_dora:
        raise UsageError("llama.cpp has no DoRA adapters", "Export the whole model: --to gguf.")
    config = model.get_base_model().config
    writer = _writer(path, config, name)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    # llama.cpp scales by alpha / rank; rank-stabilised LoRA by alpha / sqrt(rank).
    writer.add_float32("adapter.lora.alpha", settings.lora_alpha * (settings.r**0.5 if settings.use_rslora else 1))
    weights = dict(_lora_weights(model))
    _write_tensors(writer, weights, dict.fromkeys(weights, Type.F32))


def _architecture(config: Any) -> Architecture:
    return lookup(ARCHITECTURES, config.model_type, "architecture for llama.cpp")


def _writer(path: Path, config: Any, name: str) -> GGUFWriter:
    writer = GGUFWriter(path, MODEL_ARCH_NAMES[_architecture(config).kind])
    writer.add_name(name)
    return writer


def _add_hyperparameters(writer: GGUFWriter, config: Any) -> None:
    head = _head_dim(config)
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    windowed = "sliding_attention" in (getattr(config, "layer_types", None) or [])
    if windowed or config.rope_parameters["rope_type"] not in ("default", "llama3"):
        raise UsageError(
            "this model's attention (a sliding window, or scaled positions) cannot be written for llama.cpp here",
            "Export with --to merged, and convert that folder with llama.cpp's own converter.",
        )


def _add_sampling(writer: GGUFWriter, settings: GenerationConfig) -> None:
    """The character's sampling, which llama.cpp takes where a client asks for none; its own other samplers are off."""
    writer.add_sampling_temp(settings.temperature)
    writer.add_sampling_top_p(settings.top_p)
    writer.add_sampling_top_k(0)
    writer.add_sampling_min_p(0)
    writer.add_sampling_penalty_repeat(settings.repetition_penalty)
    writer.add_sampling_penalty_last_n(-1)  # the whole context, as transformers does it


def _head_dim(config: Any) -> int:
    size: int = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return size


def _weights(model: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """The model's tensors under their GGUF names; a tied output matrix is left out."""
    config = model.config
    names = get_tensor_name_map(_architecture(config).kind, config.num_hidden_layers)
    shared = model.get_input_embeddings().weight.data_ptr()
    for key, value in model.state_dict().items():
        if key == "lm_head.weight" and value.data_ptr() == shared:
            continue
        yield _name(names, key), _ordered(key, value, config)
    if config.rope_parameters["rope_type"] == "llama3":
        theta, head = config.rope_parameters["rope_theta"], _head_dim(config)
        frequencies = 1 / theta ** (torch.arange(0, head, 2, dtype=torch.float32) / head)
        yield "rope_freqs.weight", frequencies / model.model.rotary_emb.inv_freq.float().cpu()


def _lora_weights(model: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """The adapter's A (rank, in) and B (out, rank) under their layers' GGUF names."""
    config = model.get_base_model().config
    names = get_tensor_name_map(_architecture(config).kind, config.num_hidden_layers)
    for key, layer in model.get_base_model().named_modules():
        if not hasattr(layer, "lora_A"):
            continue
        key = f"{key}.weight"
        yield f"{_name(names, key)}.lora_a", layer.lora_A["default"].weight
        yield f"{_name(names, key)}.lora_b", _ordered(key, layer.lora_B["default"].weight, config)


def _name(names: Any, key: str) -> str:
    name: str | None = names.get_name(key, try_suffixes=(".weight", ".bias"))
    if name is None:
        raise UsageError(f"llama.cpp has no place for the tensor {key}", "Export with --to merged.")
    return name


def _ordered(key: str, value: torch.Tensor, config: Any) -> torch.Tensor:
    """The tensor with its rows in llama.cpp's order."""
    part = key.split(".")[-2]
    if not _architecture(config).interleaves or part not in ("q_proj", "k_proj"):
        return value
    heads = config.num_attention_heads if part == "q_proj" else config.num_key_value_heads
    return value.reshape(heads, 2, -1, *value.shape[1:]).transpose(1, 2).reshape(value.shape)


def _write_tensors(writer: GGUFWriter, weights: dict[str, torch.Tensor], types: dict[str, Type]) -> None:
    """Write all that was added to the writer, then the tensors one by one: only one is held in its new format."""
    for key, value in weights.items():
        kind = types[key]
        block, size = GGML_QUANT_SIZES[kind]
        unquantized = kind in (Type.F32, Type.F16)
        shape = tuple(value.shape) if unquantized else quant_shape_to_byte_shape(tuple(value.shape), kind)
        dtype = {Type.F32: np.float32, Type.F16: np.float16}.get(kind, np.uint8)
        writer.add_tensor_info(key, shape, np.dtype(dtype), value.numel() // block * size, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for key, value in weights.items():
        writer.write_tensor_data(pack(value.detach().float().cpu().numpy(), types[key]))
    writer.close()
