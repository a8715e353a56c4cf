"""Adapters of all kinds, folded into weights: the model predicts what it predicted with the adapter beside them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, PreTrainedModel

from offbook.core.errors import UsageError
from offbook.models import adapter
from offbook.models.merging import can_merge, merge
from tests.tiny import tiny_model

LAYERS = ["q_proj", "down_proj"]
IDS = torch.tensor([[1, 40, 50, 60, 5, 70, 80]])


def saved(folder: Path, base: PreTrainedModel, **settings: Any) -> torch.Tensor:
    """Write an adapter that changes something, and return what the model predicts with it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft says of several that they are unusual
        config = LoraConfig(task_type="CAUSAL_LM", **{"r": 4, "lora_alpha": 8, "target_modules": LAYERS, **settings})
        model = get_peft_model(base, config).eval()
        generator = torch.Generator().manual_seed(7)
        with torch.no_grad():
            for weight in model.parameters():
                if weight.requires_grad:
                    weight.add_(torch.randn(weight.shape, generator=generator) * 0.05)
        model.save_pretrained(str(folder))
        return logits(model)


@torch.no_grad()
def logits(model: Any) -> torch.Tensor:
    predicted: torch.Tensor = model(input_ids=IDS).logits
    return predicted


@pytest.mark.parametrize(
    "settings",
    [
        {"use_dora": True},
        {"alpha_pattern": {"q_proj": 32}, "rank_pattern": {"down_proj": 2}},
        {"bias": "all"},
        {"modules_to_save": ["lm_head"]},
        {"modules_to_save": ["embed_tokens"], "ensure_weight_tying": True},
        {"modules_to_save": ["norm"]},
        {"target_modules": [*LAYERS, "lm_head"]},
        {"target_modules": [*LAYERS, "embed_tokens"]},
        {"trainable_token_indices": [1, 5]},
    ],
    ids=str,
)
@pytest.mark.parametrize("architecture", ["llama-tied", "ernie"])
def test_a_merged_model_predicts_the_same_in_memory_and_from_its_folder(
    tmp_path: Path, architecture: str, settings: dict[str, Any]
) -> None:
    expected = saved(tmp_path / "adapter", tiny_model(architecture), **settings)
    model = adapter.load(tiny_model(architecture), tmp_path / "adapter")
    torch.testing.assert_close(logits(model), expected)
    merged = merge(model)
    torch.testing.assert_close(logits(merged), expected, rtol=1e-4, atol=1e-4)
    merged.save_pretrained(tmp_path / "merged")
    reopened = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")
    torch.testing.assert_close(logits(reopened), expected, rtol=1e-4, atol=1e-4)


def test_a_bias_goes_only_into_a_layer_that_has_one(tmp_path: Path) -> None:
    saved(tmp_path / "none", tiny_model("llama"), lora_bias=True)
    assert not can_merge(adapter.load(tiny_model("llama"), tmp_path / "none"))
    expected = saved(tmp_path / "some", tiny_model("ernie", use_bias=True), lora_bias=True)
    model = adapter.load(tiny_model("ernie", use_bias=True), tmp_path / "some")
    assert can_merge(model)
    torch.testing.assert_close(logits(merge(model)), expected, rtol=1e-4, atol=1e-4)


def test_weights_that_nothing_adapted_stay_shared(tmp_path: Path) -> None:
    saved(tmp_path, tiny_model("llama-tied"))
    merged: Any = merge(adapter.load(tiny_model("llama-tied"), tmp_path))
    assert merged.lm_head.weight is merged.model.embed_tokens.weight
    assert merged.config.tie_word_embeddings


def test_an_adapter_that_builds_another_model_is_refused(tmp_path: Path) -> None:
    base = tiny_model("llama")
    config = LoraConfig(task_type="CAUSAL_LM", r=4, target_modules=LAYERS, layer_replication=[(0, 2), (1, 3)])
    model = get_peft_model(base, config)
    assert isinstance(model, PeftModel)
    model.save_pretrained(str(tmp_path))
    with pytest.raises(UsageError, match="layer_replication"):
        adapter.load(tiny_model("llama"), tmp_path)
