"""Qwen3.5 in llama.cpp: layers of linear attention, whose heads stand in another order there.

transformers keeps the value heads that share a key head side by side; llama.cpp deals them out, the first of each key
head, then the second of each. Rows of what makes values, and columns of what reads them, are reordered.
"""

from __future__ import annotations

from typing import Any

import torch
from gguf import GGUFWriter

RENAMED = {".dt_bias": ".dt_proj.bias"}
"""Ends of transformers' names → those that the gguf package knows."""
SECTIONS = (11, 11, 10, 0)
"""How the rotated values are dealt out to the axes of pictures; for text all axes have the same position."""


def obstacle(config: Any) -> str | None:
    """Why llama.cpp would compute something else; None where it does not."""
    if config.linear_key_head_dim != config.linear_value_head_dim:
        return "its keys and values of linear attention differ in size"
    interval = _interval(config)
    expected = ["linear_attention" if (n + 1) % interval else "full_attention" for n in range(config.num_hidden_layers)]
    return None if config.layer_types == expected else "its layers of linear attention stand in no regular order"


def add_hyperparameters(writer: GGUFWriter, config: Any) -> None:
    """Write the sizes of the layers of linear attention."""
    writer.add_ssm_conv_kernel(config.linear_conv_kernel_dim)
    writer.add_ssm_state_size(config.linear_key_head_dim)
    writer.add_ssm_group_count(config.linear_num_key_heads)
    writer.add_ssm_time_step_rank(config.linear_num_value_heads)
    writer.add_ssm_inner_size(config.linear_value_head_dim * config.linear_num_value_heads)
    writer.add_full_attention_interval(_interval(config))
    sections = list(config.rope_parameters.get("mrope_section") or SECTIONS)
    writer.add_rope_dimension_sections([*sections, 0, 0, 0, 0][:4])


def rows(config: Any, key: str, value: torch.Tensor) -> torch.Tensor:
    """A tensor of a layer of linear attention, its rows in llama.cpp's order.

    Args:
        config: the text model's configuration.
        key: transformers' name of the tensor.
        value: rows first: a weight, or the B of an adapter.
    """
    if "linear_attn" not in key:
        return value
    part = key.partition("linear_attn.")[2].partition(".")[0]
    if part == "A_log":
        value = -value.exp()
    size = config.linear_value_head_dim
    if part in ("in_proj_qkv", "conv1d"):
        before = 2 * config.linear_key_head_dim * config.linear_num_key_heads
        return torch.cat([value[:before], _dealt(config, value[before:], size)])
    if part == "in_proj_z":
        return _dealt(config, value, size)
    return _dealt(config, value, 1) if part in ("in_proj_a", "in_proj_b", "A_log", "dt_proj") else value


def columns(config: Any, key: str, value: torch.Tensor) -> torch.Tensor:
    """A weight, or the A of an adapter, its columns in llama.cpp's order."""
    return _dealt(config, value.t(), config.linear_value_head_dim).t() if "linear_attn.out_proj" in key else value


def _dealt(config: Any, value: torch.Tensor, size: int) -> torch.Tensor:
    """Rows in blocks of `size`, one a value head: from (key head, value head of it) to (value head of it, key head)."""
    keys = config.linear_num_key_heads
    return value.reshape(keys, -1, size, *value.shape[1:]).transpose(0, 1).reshape(value.shape)


def _interval(config: Any) -> int:
    """One layer in so many has full attention."""
    layers = config.layer_types
    return layers.index("full_attention") + 1 if "full_attention" in layers else len(layers) + 1
