"""A tiny model with an adapter on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
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


def adapter_folder(
    folder: Path, seed: int, *, architecture: str = "llama", rank: int = 4, modules: Sequence[str] = (), **options: Any
) -> Path:
    """An adapter as plain peft saves it, that makes the tiny model speak in a way of its own."""
    targets = list(modules) or ["q_proj", "v_proj", "o_proj", "down_proj"]
    config = LoraConfig(r=rank, lora_alpha=16, target_modules=targets, **options)
    model = get_peft_model(tiny_model(architecture), config)
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.2)
    model.save_pretrained(str(folder))
    return folder
