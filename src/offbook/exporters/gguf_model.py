"""A transformers model, or a LoRA adapter alone, as a GGUF file that llama.cpp runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import (
    GGML_QUANT_SIZES,
    MODEL_ARCH_NAMES,
    GGUFWriter,
    quant_shape_to_byte_shape,
)

from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import UsageError
from offbook.core.progress import CountProgress, uncounted
from offbook.exporters.architectures import add_hyperparameters, architecture_of, note_on_context
from offbook.exporters.gguf_tensors import lora_tensors, model_tensors
from offbook.exporters.gguf_vocab import add_vocabulary, leading_space, model_name
from offbook.exporters.quantize import FILE_TYPES, Type, fallbacks, pack, tensor_type
from offbook.exporters.source import ExportSource

_GREETING = [{"role": "user", "content": "?"}]
"""The shortest conversation."""


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
    config = model.config.get_text_config()
    weights = dict(model_tensors(model))
    down = next(value for key, value in weights.items() if "ffn_down" in key)
    writer = _writer(path, config, model_name(source.name, source.tokenizer))
    add_hyperparameters(writer, config, getattr(config, "intermediate_size", None) or down.shape[-1])
    writer.add_file_type(FILE_TYPES[quant])
    writer.add_quantization_version(2)
    rendered = source.tokenizer.apply_chat_template(_GREETING, chat_template=source.template, tokenize=False)
    space = leading_space(source.tokenizer, rendered)
    writer.add_chat_template(f"{{{{ '{space}' }}}}{source.template}" if space else source.template)
    _add_sampling(writer, source.persona.generation)
    add_vocabulary(writer, source.tokenizer, config.vocab_size, source.persona.stop_token)
    layers, tied = config.num_hidden_layers, "output.weight" not in weights
    types = {key: tensor_type(key, tuple(value.shape), quant, layers, tied=tied) for key, value in weights.items()}
    _write_tensors(writer, weights, types, source.progress)
    note = fallbacks({key: kind for key, kind in types.items() if kind != Type.F32}, quant)
    return [each for each in (note, note_on_context(config)) if each]


def write_lora(path: Path, model: Any, name: str) -> None:
    """Write a PEFT model's adapter alone, in float32, for llama.cpp to put on the base model's GGUF.

    Raises:
        UsageError: as for `write_model`, or `lora_obstacle` names one.
    """
    if (reason := lora_obstacle(model)) is not None:
        raise UsageError(
            "llama.cpp has no such adapters: {reason}",
            "Export the whole model: --to gguf.",
            reason=reason,
        )
    alpha = model.peft_config["default"].lora_alpha
    writer = _writer(path, model.get_base_model().config, name)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    weights = dict(lora_tensors(model, alpha))
    _write_tensors(writer, weights, dict.fromkeys(weights, Type.F32))


def lora_obstacle(model: Any) -> str | None:
    """Why a PEFT model's adapter cannot be written alone; None where it can."""
    settings = model.peft_config["default"]
    if settings.peft_type != "LORA":
        return f"this one is {settings.peft_type}, not LoRA"
    reasons = {
        "use_dora": "it uses DoRA",
        "lora_bias": "it has biases",
        "modules_to_save": "whole layers were trained with it",
        "trainable_token_indices": "rows of the embeddings were trained with it",
        "target_parameters": "it changes routed experts",
        "alora_invocation_tokens": "it is switched on by tokens of its own",
    }
    reason_given = next((reason for name, reason in reasons.items() if getattr(settings, name, None)), None)
    if reason_given is None and settings.bias != "none":
        return "biases of the base model were trained with it"
    if reason_given is None and any(len(getattr(layer, "lora_embedding_A", ())) for layer in model.modules()):
        return "it changes the embeddings"
    head, embeddings = model.get_output_embeddings(), model.get_input_embeddings()
    if reason_given is None and head is not None and "default" in getattr(head, "lora_A", {}):
        return "it changes the output layer, which is the embeddings" if head.weight is embeddings.weight else None
    return reason_given


def _writer(path: Path, config: Any, name: str) -> GGUFWriter:
    writer = GGUFWriter(path, MODEL_ARCH_NAMES[architecture_of(config).kind])
    writer.add_name(name)
    return writer


def _add_sampling(writer: GGUFWriter, settings: GenerationConfig) -> None:
    """The character's sampling, which llama.cpp takes where a client asks for none; its own other samplers are off."""
    writer.add_sampling_temp(settings.temperature)
    writer.add_sampling_top_p(settings.top_p)
    writer.add_sampling_top_k(0)
    writer.add_sampling_min_p(0)
    writer.add_sampling_penalty_repeat(settings.repetition_penalty)
    writer.add_sampling_penalty_last_n(-1)  # the whole context, as transformers does it


def _write_tensors(
    writer: GGUFWriter, weights: dict[str, torch.Tensor], types: dict[str, Type], progress: CountProgress = uncounted
) -> None:
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
    for number, (key, value) in enumerate(weights.items()):
        writer.write_tensor_data(pack(value.detach().float().cpu().numpy(), types[key]))
        progress(number + 1, len(weights))
    writer.close()
