"""Every architecture that is written for llama.cpp: its predictions there are those of the adapter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from offbook import export
from offbook.core.errors import UsageError
from offbook.exporters.architectures import ARCHITECTURES, architecture_of
from offbook.models.target_modules import select
from tests.architectures import tiny_config, tiny_model
from tests.exporters.conftest import save_adapter
from tests.tiny import chatml_tokenizer


def exported(folder: Path, architecture: str, **changes: Any) -> Any:
    """A tiny character of an architecture, in a GGUF file."""
    tokenizer = chatml_tokenizer(400)
    model = tiny_model(tiny_config(architecture, **changes))
    assert model.generation_config is not None
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1 and not any(part in name for part in ("embed", "wte", "lm_head")):
                weight.mul_(0.5)  # less sensitive to rounding, as trained models are
    model.save_pretrained(folder / "base")
    tokenizer.save_pretrained(folder / "base")
    lora: dict[str, Any] = {"target_modules": select(model, ["all-linear"]), "fan_in_fan_out": architecture == "gpt2"}
    adapter = save_adapter(folder / "hamlet", folder / "base", sample_prompts=("Who are you?",), **lora)
    return export(adapter, "gguf", quant="f16")


YARN = {"rope_type": "yarn", "factor": 4.0, "rope_theta": 1e4, "original_max_position_embeddings": 128}
LONGROPE = {"rope_type": "longrope", "rope_theta": 1e4, "short_factor": [1.0, 1.2, 1.5, 2.0], "long_factor": [4.0] * 4}
SCALED: dict[str, dict[str, Any]] = {
    "phi3": {
        "rope_parameters": LONGROPE,
        "max_position_embeddings": 2048,
        "original_max_position_embeddings": 512,
    },
    "seed_oss": {"rope_parameters": YARN},
}
"""Architectures that are tried with positions that are scaled, as their long models have them."""


SLOW = frozenset((
    "arcee", "cohere", "glm4", "hunyuan_v1_dense", "olmoe", "qwen2_5_vl_text", "qwen2_moe", "qwen2_vl_text",
    "qwen3_vl_moe_text", "stablelm", "starcoder2",
))  # fmt: skip
"""Architectures that are written as another one is: they are compared among the slow proofs."""


@pytest.mark.parametrize(
    "architecture",
    [pytest.param(name, marks=[pytest.mark.torture] * (name in SLOW)) for name in sorted(ARCHITECTURES)],
)
def test_predictions_are_those_of_the_adapter(tmp_path: Path, architecture: str) -> None:
    done = exported(tmp_path, re.sub(r"(?<=_vl)(_moe)?_text$", r"\1", architecture), **SCALED.get(architecture, {}))
    assert done.parity.passed
    assert done.parity.kl < 1e-5


@pytest.mark.parametrize(
    ("architecture", "changes", "message"),
    [
        ("mamba", {}, "writes no GGUF files of mamba models"),
        ("gemma2", {"query_pre_attn_scalar": 100}, "scaled in a way of its own"),
        ("gemma3_text", {"layer_types": ["full_attention", "sliding_attention"] * 3}, "one in 6"),
        ("qwen3_moe", {"norm_topk_prob": False}, "weighs its experts"),
        ("ernie4_5_moe", {"moe_layer_interval": 2}, "later layers have no experts"),
        ("smollm3", {"no_rope_layers": [1, 1, 1, 1]}, "not every fourth layer"),
        (
            "llama",
            {"rope_parameters": {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 1e4}},
            "positions are scaled",
        ),
        ("llama", {"rope_parameters": {**YARN, "attention_factor": 1.5}}, "positions are scaled"),
        ("qwen3_5_text", {"layer_types": ["full_attention", "linear_attention"] * 2}, "no regular order"),
        ("qwen3_5_text", {"linear_value_head_dim": 16}, "differ in size"),
    ],
)
def test_what_llama_cpp_would_compute_differently_is_refused(
    architecture: str, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        architecture_of(tiny_config(architecture, **changes))
    assert "--to merged" in (refused.value.fix or "")
