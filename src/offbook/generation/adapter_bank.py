"""Many LoRA adapters on one base model in memory, each row of a batch with its own.

bank = AdapterBank(model)
bank.add("ann", Path("runs/ann/adapter"))
bank.select(["ann", None, "ann"])    # of the rows of the next forward pass; None speaks as the base model
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

KEY = re.compile(r"base_model\.model\.(?P<layer>.+)\.lora_(?P<half>[AB])\.weight")
"""Name of a tensor in a PEFT adapter, for a layer that is plain LoRA."""
BEYOND_PLAIN = (
    "use_dora",
    "modules_to_save",
    "trainable_token_indices",
    "fan_in_fan_out",
    "lora_bias",
)
"""Fields of adapter_config.json that say that the adapter is more than two small matrices beside each linear layer."""


@dataclass(frozen=True, slots=True)
class LayerAdapter:
    """The two matrices beside one linear layer: the layer's output grows by (hidden · downᵀ) · up."""

    down: torch.Tensor
    """(rank, in_features)."""
    up: torch.Tensor
    """(rank, out_features), the scaling multiplied in."""

    @property
    def rank(self) -> int:
        """The adapter's rank."""
        return self.down.shape[0]

    def to(self, device: torch.device) -> LayerAdapter:
        """The same on a device."""
        return LayerAdapter(self.down.to(device), self.up.to(device))


NO_ADAPTER = LayerAdapter(torch.empty(0, 0), torch.empty(0, 0))


class NotPlainError(Exception):
    """The adapter is not plain LoRA on linear layers of this model."""


def read_adapter(folder: Path, layers: dict[str, nn.Linear]) -> dict[str, LayerAdapter]:
    """The matrices of a PEFT adapter folder by the names of their layers (Hu et al. 2021, arXiv:2106.09685).

    Args:
        folder: holds adapter_config.json and adapter_model.safetensors.
        layers: the model's linear layers by name.

    Raises:
        NotPlainError: it is of another kind, or does not fit.
    """
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    unusual = [name for name in BEYOND_PLAIN if config.get(name)]
    if config.get("peft_type") != "LORA" or config.get("bias", "none") != "none" or unusual:
        raise NotPlainError(f"{folder} has {', '.join(unusual) or config.get('peft_type')}")
    halves: dict[str, dict[str, torch.Tensor]] = {}
    for name, tensor in load_file(folder / "adapter_model.safetensors").items():
        match = KEY.fullmatch(name)
        if match is None or match["layer"] not in layers:
            raise NotPlainError(f"{name} belongs to no linear layer")
        halves.setdefault(match["layer"], {})[match["half"]] = tensor.float()
    adapters = {}
    for name, pair in halves.items():
        layer = layers[name]
        if set(pair) != {"A", "B"}:
            raise NotPlainError(f"{name} has one half of an adapter")
        down, up = pair["A"], pair["B"]
        if down.shape[1] != layer.in_features or up.shape != (layer.out_features, down.shape[0]):
            raise NotPlainError(f"{name} has another size")
        adapters[name] = LayerAdapter(down, (up * _scaling(config, name, down.shape[0])).T.contiguous())
    return adapters


def _scaling(config: dict[str, Any], layer: str, rank: int) -> float:
    """The factor of an adapter's product; peft's patterns name layers by the ends of their names."""
    patterns = config.get("alpha_pattern") or {}
    alpha = next((patterns[key] for key in patterns if re.match(rf"(.*\.)?({key})$", layer)), config["lora_alpha"])
    return float(alpha) / (rank**0.5 if config.get("use_rslora") else rank)


def check_plain(folder: Path, model: Any) -> None:
    """Check that a bank of the model would take an adapter.

    Raises:
        NotPlainError: it would not.
    """
    read_adapter(folder, {name: part for name, part in model.named_modules() if isinstance(part, nn.Linear)})


class BankedLinear(nn.Module):
    """A linear layer with the adapters of a bank beside it.

    Args:
        layer: the base model's.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        self.adapters: dict[str, LayerAdapter] = {}
        self.rows: Sequence[str | None] = (None,)
        """The adapter of each row of the next batch; None for none."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """The layer's product with `hidden`, (rows, tokens, in_features), each row's adapter added."""
        output: torch.Tensor = self.layer(hidden)
        chosen = [self.adapters.get(name, NO_ADAPTER) if name is not None else NO_ADAPTER for name in self.rows]
        first = chosen[0]
        if all(adapter is first for adapter in chosen):
            return output if first is NO_ADAPTER else output + (hidden @ first.down.T) @ first.up
        rank = max(adapter.rank for adapter in chosen)
        down = torch.stack([_of_rank(adapter.down, rank, hidden.shape[-1]) for adapter in chosen])
        up = torch.stack([_of_rank(adapter.up, rank, output.shape[-1]) for adapter in chosen])
        return torch.baddbmm(output, torch.bmm(hidden, down.transpose(1, 2)), up)


def _of_rank(matrix: torch.Tensor, rank: int, width: int) -> torch.Tensor:
    """The matrix, (own rank, width), with rows of zeros up to `rank`, which add nothing."""
    rows = matrix.shape[0]
    if rows == rank:
        return matrix
    padded = matrix.new_zeros(rank, width)
    if rows:
        padded[:rows] = matrix
    return padded


class AdapterBank:
    """The adapters of a model, whose linear layers are exchanged for ones with adapters beside them.

    Args:
        model: a causal language model of transformers in float32; changed in place, its own weights stay as they are.
    """

    def __init__(self, model: Any) -> None:
        self._device = model.device
        self._layers: dict[str, BankedLinear] = {}
        linear = {name: part for name, part in model.named_modules() if isinstance(part, nn.Linear)}
        for name, layer in linear.items():
            parent, _, attribute = name.rpartition(".")
            self._layers[name] = BankedLinear(layer)
            setattr(model.get_submodule(parent), attribute, self._layers[name])

    def add(self, name: str, folder: Path) -> None:
        """Put the adapter of a folder in, in place of the one that has that name.

        Raises:
            NotPlainError: it is not plain LoRA, or does not fit this model.
        """
        adapters = read_adapter(folder, self._linear())
        self.remove(name)
        for layer, adapter in adapters.items():
            self._layers[layer].adapters[name] = adapter.to(self._device)

    def remove(self, name: str) -> None:
        """Take an adapter out, if it is there."""
        for banked in self._layers.values():
            banked.adapters.pop(name, None)

    def accepts(self, folder: Path) -> bool:
        """Whether the adapter of a folder can be put in."""
        try:
            read_adapter(folder, self._linear())
        except NotPlainError:
            return False
        return True

    def _linear(self) -> dict[str, nn.Linear]:
        return {name: banked.layer for name, banked in self._layers.items()}

    def select(self, rows: Sequence[str | None]) -> None:
        """Choose the adapter of each row of the next forward pass; None speaks as the base model."""
        for banked in self._layers.values():
            banked.rows = rows
