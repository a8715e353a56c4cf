"""Every architecture that is written for llama.cpp: its predictions there are those of the adapter."""

from __future__ import annotations

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


def exported(folder: Path, architecture: str, to: str = "gguf", quant: str = "f16") -> Any:
    """A tiny character of an architecture, in a GGUF file."""
    tokenizer = chatml_tokenizer(400)
    model = tiny_model(tiny_config(architecture))
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
    return export(adapter, to, quant=quant)


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_predictions_are_those_of_the_adapter(tmp_path: Path, architecture: str) -> None:
    done = exported(tmp_path, architecture)
    assert done.parity.passed
    assert done.parity.kl < 1e-5


@pytest.mark.parametrize(
    ("architecture", "changes", "message"),
    [
        ("phi3", {}, "writes no GGUF files of phi3 models"),
        ("gemma2", {"query_pre_attn_scalar": 100}, "scaled in a way of its own"),
        ("gemma3_text", {"layer_types": ["full_attention", "sliding_attention"] * 3}, "one in 6"),
        ("qwen3_moe", {"norm_topk_prob": False}, "weighs its experts"),
        ("smollm3", {"no_rope_layers": [1, 1, 1, 1]}, "not every fourth layer"),
        ("llama", {"rope_parameters": {"rope_type": "yarn", "factor": 4.0, "rope_theta": 1e4}}, "positions are scaled"),
    ],
)
def test_what_llama_cpp_would_compute_differently_is_refused(
    architecture: str, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        architecture_of(tiny_config(architecture, **changes))
    assert "--to merged" in (refused.value.fix or "")
