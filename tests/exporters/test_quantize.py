"""Number formats: what libgguf packs, the official gguf library unpacks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gguf import quants

from offbook.exporters.quantize import Type, pack, tensor_type


@pytest.mark.parametrize(
    ("kind", "error"), [(Type.Q8_0, 0.006), (Type.Q4_K, 0.08), (Type.Q6_K, 0.02), (Type.Q5_0, 0.05), (Type.F16, 5e-4)]
)
def test_packed_values_come_back(kind: Any, error: float) -> None:
    values = np.random.default_rng(0).normal(0, 0.02, (64, 512)).astype(np.float32)
    back = quants.dequantize(pack(values, kind), kind)
    assert np.sqrt(((back - values) ** 2).mean() / (values**2).mean()) < error


@pytest.mark.parametrize(
    ("name", "shape", "quant", "tied", "kind"),
    [
        ("blk.0.attn_norm.weight", (64,), "q4_k_m", False, Type.F32),
        ("blk.0.attn_q.weight", (64, 64), "f16", False, Type.F16),
        ("blk.0.attn_q.weight", (64, 64), "q8_0", False, Type.Q8_0),
        ("blk.0.attn_q.weight", (64, 40), "q8_0", False, Type.F16),
        ("blk.5.attn_q.weight", (64, 512), "q4_k_m", False, Type.Q4_K),
        ("blk.5.attn_q.weight", (64, 576), "q4_k_m", False, Type.Q5_0),
        ("blk.5.attn_q.weight", (64, 40), "q4_k_m", False, Type.F16),
        ("token_embd.weight", (99, 512), "q4_k_m", False, Type.Q4_K),
        ("token_embd.weight", (99, 512), "q4_k_m", True, Type.Q6_K),
        ("token_embd.weight", (99, 576), "q4_k_m", True, Type.Q8_0),
        ("output.weight", (99, 512), "q4_k_m", False, Type.Q6_K),
    ],
)
def test_which_tensor_gets_which(name: str, shape: tuple[int, ...], quant: str, tied: bool, kind: Any) -> None:
    assert tensor_type(name, shape, quant, layers=24, tied=tied) == kind


def test_the_sensitive_layers_of_a_model_of_24() -> None:
    sensitive = [
        layer
        for layer in range(24)
        if tensor_type(f"blk.{layer}.ffn_down.weight", (64, 512), "q4_k_m", 24, tied=False) == Type.Q6_K
    ]
    assert sensitive == [0, 1, 2, 5, 8, 11, 14, 17, 20, 21, 22, 23]
