"""A tiny model with an adapter on it."""

from __future__ import annotations

from typing import Any

import torch
from peft import LoraConfig, get_peft_model

from tests.tiny import tiny_model


def peft_model(architecture: str = "llama", *, trained: bool) -> Any:
    """A tiny model with an adapter that does nothing yet, or with one that speaks differently."""
    modules = ["q_proj", "k_proj", "v_proj", "o_proj"]
    model = get_peft_model(tiny_model(architecture), LoraConfig(r=4, lora_alpha=16, target_modules=modules))
    if trained:
        torch.manual_seed(1)
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if "lora_B" in name:
                    weight.normal_(0, 0.2)
    return model.eval()
