"""Frozen weights in a mapped file: the same numbers, the same parameters, and what is trained stays where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from offbook.core.config.schema import Storage
from offbook.models import shared_weights
from offbook.models.load import load_model
from tests.tiny import tiny_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_folder(tmp_path / "base")


def adapted(folder: Path, storage: Storage) -> Any:
    model = get_peft_model(load_model(folder, storage=storage), LoraConfig(target_modules=["q_proj", "up_proj"]))
    return model.train()


@pytest.mark.parametrize("storage", ["full", "bfloat16", "int8", "nf4"])
def test_a_model_computes_the_same_on_mapped_weights(folder: Path, storage: Storage, tmp_path: Path) -> None:
    model, ids = adapted(folder, storage), torch.arange(3, 20)[None]
    path, before = tmp_path / "weights", model(ids).logits
    parameters = dict(model.named_parameters())
    addresses = {name: parameter.data_ptr() for name, parameter in parameters.items()}
    shared_weights.write_weights(model, path)
    assert path.stat().st_size == shared_weights.shareable_bytes(model)
    shared_weights.map_weights(model, path)
    path.unlink()
    assert torch.equal(model(ids).logits, before)
    for name, parameter in model.named_parameters():
        assert parameter is parameters[name]
        assert (parameter.data_ptr() == addresses[name]) == parameter.requires_grad
    model(ids).logits.sum().backward()
    assert all(parameter.grad is not None for parameter in parameters.values() if parameter.requires_grad)


def test_a_weight_that_is_changed_is_changed_here_alone(tmp_path: Path) -> None:
    first, second = (nn.Linear(5, 3).requires_grad_(False) for _ in range(2))
    shared_weights.write_weights(first, tmp_path / "weights")
    for layer in (first, second):
        shared_weights.map_weights(layer, tmp_path / "weights")
    assert torch.equal(first.weight, second.weight)
    before = second.weight.clone()
    first.weight += 1
    assert torch.equal(second.weight, before)


def test_weights_of_any_layout_keep_their_numbers(tmp_path: Path) -> None:
    layer = nn.Linear(5, 3)
    layer.weight = nn.Parameter(torch.arange(15.0).view(5, 3).t(), requires_grad=False)
    layer.register_buffer("empty", torch.empty(0))
    before = layer.weight.clone()
    shared_weights.write_weights(layer, tmp_path / "weights")
    shared_weights.map_weights(layer, tmp_path / "weights")
    assert torch.equal(layer.weight, before)
    assert layer.bias.requires_grad


def test_a_model_on_another_device_has_nothing_to_share(tmp_path: Path) -> None:
    model = nn.Linear(5, 3, device="meta").requires_grad_(False)
    assert shared_weights.shareable_bytes(model) == 0
    shared_weights.map_weights(model, tmp_path / "none")
