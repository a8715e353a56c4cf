"""The context: the model's, as far as memory allows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import torch
from transformers import DynamicCache

from offbook.generation.context import cache_bytes_per_token, context_length
from tests.architectures import tiny_config
from tests.tiny import ARCHITECTURES, tiny_model


def test_layers_whose_heads_differ_in_size_are_counted_each() -> None:
    config = tiny_config("gemma4_text")
    sizes = [config.per_layer_config[index] for index in range(config.num_hidden_layers)]
    expected = sum(2 * layer.num_key_value_heads * layer.head_dim for layer in sizes)
    assert len({layer.head_dim for layer in sizes}) == 2
    assert cache_bytes_per_token(config, 4) == 4 * expected


@pytest.mark.parametrize(
    "architecture", [name for name, (_, _, extra) in ARCHITECTURES.items() if "sliding" not in f"{extra}"]
)
def test_the_bytes_of_a_token_are_those_that_a_cache_takes(architecture: str) -> None:
    model = tiny_model(architecture)
    cache = DynamicCache(config=model.config)
    with torch.inference_mode():
        model(input_ids=torch.tensor([[5, 6, 7]]), past_key_values=cache, use_cache=True)
    layers: Any = cache.layers
    taken = sum(layer.keys.nbytes + layer.values.nbytes for layer in layers)
    assert taken == 3 * cache_bytes_per_token(model.config, 4)


@pytest.mark.parametrize(
    ("available", "longest", "slots", "expected"),
    [
        (2**34, 8192, 1, 8192),  # the model knows no more
        (2**34, 131072, 1, 65536),
        (2**34, 131072, 4, 16384),
        (2**20, 131072, 1, 2048),  # hardly any memory: the shortest
        (2**20, 1024, 1, 1024),
    ],
)
def test_it_is_the_models_bounded_by_memory(
    monkeypatch: pytest.MonkeyPatch, available: int, longest: int, slots: int, expected: int
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=available))
    assert context_length(longest, 2**16, slots) == expected
