"""The tensors of a transformers model, or of a LoRA adapter, as llama.cpp names, orders and splits them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from gguf import get_tensor_name_map
from transformers.pytorch_utils import Conv1D

from offbook.core.errors import UsageError
from offbook.exporters import gguf_experts, qwen3_5
from offbook.exporters.architectures import ELSEWHERE, Architecture, architecture_of, head_size, rope_of


def model_tensors(model: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """The text model's tensors under their GGUF names; a tied output matrix is left out.

    Args:
        model: a causal language model without an adapter; of a model of text and pictures, the language model is taken.

    Raises:
        UsageError: llama.cpp has no place for one of them.
    """
    names = _Names(model)
    embeddings, head = model.get_input_embeddings(), model.get_output_embeddings()
    transposed = {id(module.weight) for module in model.modules() if isinstance(module, Conv1D)}
    parameters = dict(model.named_parameters(remove_duplicate=False))
    parameters |= {key: value for key, value in model.named_buffers() if key.endswith(gguf_experts.BIASES)}
    for key, value in parameters.items():
        if value is embeddings.weight and head is not None and value is head.weight and not names.is_decoder(key):
            continue
        if key != "lm_head.weight" and key != "lm_head.bias" and not names.is_decoder(key):
            continue  # a tower for pictures or sound
        tensor = value.t() if id(value) in transposed else value
        for part, content in _split(key, tensor):
            yield names(part), names.ordered(part, names.with_columns(part, content))
    yield from _rope_factors(model)


def lora_tensors(model: Any, alpha: float) -> Iterator[tuple[str, torch.Tensor]]:
    """A LoRA adapter's A (rank, in) and B (out, rank) under their layers' GGUF names.

    llama.cpp scales all layers by alpha / rank, with each layer's own rank; what a layer's scale differs from that
    (`alpha_pattern`, rank-stabilised LoRA) is folded into its B.
    """
    base = model.get_base_model()
    names = _Names(base)
    for key, layer in base.named_modules():
        if "default" not in getattr(layer, "lora_A", {}):
            continue
        a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
        factor = layer.scaling["default"] * len(a) / alpha
        yield f"{names(f'{key}.weight')}.lora_a", names.with_columns(f"{key}.weight", a)
        yield f"{names(f'{key}.weight')}.lora_b", names.ordered(f"{key}.weight", b if factor == 1 else b * factor)


class _Names:
    """Looks up and orders the tensors of one model."""

    def __init__(self, model: Any) -> None:
        self._config = model.config.get_text_config()
        self._architecture: Architecture = architecture_of(self._config)
        self._map = get_tensor_name_map(self._architecture.kind, self._config.num_hidden_layers)
        decoder = model.get_decoder()
        self._prefix = next(f"{name}." for name, module in model.named_modules() if module is decoder)

    def is_decoder(self, key: str) -> bool:
        return key.startswith(self._prefix)

    def __call__(self, key: str) -> str:
        is_part = self._prefix.endswith(("language_model.", "text_model."))
        text_key = key.replace(self._prefix, "model.", 1) if is_part else key
        name: str | None = self._map.get_name(text_key, try_suffixes=(".weight", ".bias"))
        if name is None:
            raise UsageError(
                "llama.cpp has no place for the tensor {key}",
                ELSEWHERE,
                key=key,
            )
        return name

    def ordered(self, key: str, value: torch.Tensor) -> torch.Tensor:
        """The tensor as llama.cpp computes with it."""
        part = key.split(".")[-2]
        if self._architecture.centred_norms and part.endswith("norm") and "linear_attn" not in key:
            return value + 1
        if part in ("conv", "conv1d"):  # (channels, 1, width)
            value = value.squeeze(1)
        if self._architecture.has_linear_attention:
            return qwen3_5.rows(self._config, key, value)
        if self._architecture.interleaves and part in ("q_proj", "k_proj"):
            config = self._config
            heads = config.num_attention_heads if part == "q_proj" else config.num_key_value_heads
            return value.reshape(heads, 2, -1, *value.shape[1:]).transpose(1, 2).reshape(value.shape)
        return value

    def with_columns(self, key: str, value: torch.Tensor) -> torch.Tensor:
        """The tensor with its columns in llama.cpp's order."""
        return qwen3_5.columns(self._config, key, value) if self._architecture.has_linear_attention else value


def _split(key: str, value: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    """Routed experts, whose gate and up projections transformers keeps in one tensor, as llama.cpp has them."""
    if key.endswith(".experts.gate_up_proj"):
        stem = key.removesuffix("gate_up_proj").replace(".block_sparse_moe.", ".mlp.")
        gate, up = value.chunk(2, 1)
        yield f"{stem}gate_proj.weight", gate
        yield f"{stem}up_proj.weight", up
    else:
        for part, name in (qwen3_5.RENAMED | gguf_experts.RENAMED).items():
            key = key.replace(part, name)
        if key.endswith(gguf_experts.BIASES):
            key, value = f"{key.removesuffix('_bias')}.bias" if "score" in key else f"{key}.bias", value.flatten()
        yield key if key.rpartition(".")[2] in ("weight", "bias", "A_log") else f"{key}.weight", value


def _rope_factors(model: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """What Llama 3, or Phi with `longrope`, divides its frequencies by."""
    config = model.config.get_text_config()
    rope = rope_of(config)
    if rope is not None and rope.get("rope_type") == "longrope":
        # llama.cpp chooses by how long a text may become, transformers by how long it is: the file knows short ones.
        for name in ("long", "short"):
            yield f"rope_factors_{name}.weight", torch.tensor(rope["short_factor"], dtype=torch.float32)
    if rope is not None and rope.get("rope_type") == "llama3":
        head = head_size(config)
        frequencies = 1 / rope["rope_theta"] ** (torch.arange(0, head, 2, dtype=torch.float32) / head)
        yield "rope_freqs.weight", frequencies / model.get_decoder().rotary_emb.inv_freq.float().cpu()
