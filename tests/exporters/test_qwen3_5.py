"""The order of heads in layers of linear attention."""

from __future__ import annotations

import pytest
import torch

from offbook.exporters import qwen3_5
from tests.architectures import tiny_config

CONFIG = tiny_config("qwen3_5_text")
KEYS, VALUES = 2 * CONFIG.linear_num_key_heads * CONFIG.linear_key_head_dim, CONFIG.linear_num_value_heads


def test_value_heads_are_dealt_out_over_the_key_heads() -> None:
    gates = torch.arange(VALUES).float()
    assert qwen3_5.rows(CONFIG, "layers.0.linear_attn.in_proj_a.weight", gates).tolist() == [0, 2, 1, 3]
    mixed = torch.arange(KEYS + VALUES * CONFIG.linear_value_head_dim).float()
    dealt = qwen3_5.rows(CONFIG, "layers.0.linear_attn.in_proj_qkv.weight", mixed)
    assert torch.equal(dealt[:KEYS], mixed[:KEYS])
    assert (dealt[KEYS :: CONFIG.linear_value_head_dim] - KEYS).div(CONFIG.linear_value_head_dim).tolist() == [
        0,
        2,
        1,
        3,
    ]


@pytest.mark.parametrize("layer", ["linear_attn.in_proj_z", "linear_attn.out_proj", "self_attn.q_proj"])
def test_an_adapter_is_reordered_as_the_weight_that_it_changes(layer: str) -> None:
    key, width = f"layers.0.{layer}.weight", VALUES * CONFIG.linear_value_head_dim
    b, a = torch.randn(width, 4), torch.randn(4, width)
    folded = qwen3_5.rows(CONFIG, key, qwen3_5.columns(CONFIG, key, b @ a))
    assert torch.allclose(qwen3_5.rows(CONFIG, key, b) @ qwen3_5.columns(CONFIG, key, a), folded, atol=1e-5)
    assert torch.equal(folded, b @ a) == (layer == "self_attn.q_proj")
