"""A plain LoRA adapter folded into a model's weights, without peft: a character that only speaks is there sooner."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from torch import nn

from offbook.generation.adapter_bank import LayerAdapter, NotPlainError, read_adapter

CHOOSING = ("layers_to_transform", "layers_pattern", "exclude_modules", "target_parameters")
"""Fields of adapter_config.json that choose among the layers named in target_modules."""


@torch.no_grad()
def merge_plain(model: Any, folder: Path) -> None:
    """Fold the adapter of a folder into the weights of the layers that it belongs to: W + scaling · B A.

    The sum is written to memory of its own. The pages that the weights are mapped from are only read, where changing
    them in place would copy them one by one, which takes four times as long.

    Args:
        model: a causal language model of transformers in float32, without adapters.
        folder: the PEFT adapter's.

    Raises:
        NotPlainError: it is not plain LoRA, or does not fit this model; the model is unchanged.
    """
    layers = {name: part for name, part in model.named_modules() if isinstance(part, nn.Linear)}
    adapters = read_adapter(folder, layers)
    _check_targets(folder, layers, adapters)
    for name, adapter in adapters.items():
        weight = layers[name].weight
        merged = torch.addmm(weight, adapter.up.T.to(weight), adapter.down.to(weight))
        layers[name].weight = nn.Parameter(merged, requires_grad=False)


def _check_targets(folder: Path, layers: dict[str, nn.Linear], adapters: dict[str, LayerAdapter]) -> None:
    """Check that the adapter's tensors are those of the layers that its config names, all of them and no other.

    Raises:
        NotPlainError: they are not, or the config chooses layers in a way that only peft understands.
    """
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    targets = config.get("target_modules")
    if not isinstance(targets, list) or any(config.get(field) for field in CHOOSING):
        raise NotPlainError(f"{folder} chooses its layers by more than their names")
    named = re.compile("(.*\\.)?(" + "|".join(map(re.escape, targets)) + ")")
    if {name for name in layers if named.fullmatch(name)} != set(adapters):
        raise NotPlainError(f"{folder} has tensors for other layers than it names")
