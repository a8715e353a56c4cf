"""Numbers in a base model's config.json with which it could not be built, or would not compute."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from offbook.core.errors import UsageError, is_out_of_memory

MOST_LAYERS = 2000
"""More than any model has; transformers would build them for hours."""
MOST_A_BYTE = 4
"""More weights than any format keeps in a byte of a file."""
PROBABILITIES = ("dropout", "dropout_prob", "_drop", "pdrop")
"""What the names of settings end in that are probabilities."""


def refuse_odd_numbers(config: dict[str, Any], folder: Path) -> None:
    """See that layers and probabilities are such as models have.

    Args:
        config: config.json as it stands.
        folder: the model's.

    Raises:
        UsageError: they are not.
    """
    for name, value in _settings(config):
        is_count = name in ("num_hidden_layers", "n_layer", "num_layers")
        too_many = is_count and value > MOST_LAYERS
        no_probability = name.endswith(PROBABILITIES) and not 0 <= value <= 1
        if too_many or no_probability:
            raise UsageError(
                "config.json in {folder} says {name}: {value}, which no model has",
                "Check that {folder} is a complete model folder, or pull it again: offbook pull SOURCE",
                folder=folder,
                name=name,
                value=value,
            )


def is_larger_than_files(model_class: Any, config: Any, folder: Path) -> bool:
    """Whether a configuration describes more weights than the files can hold: one of its numbers is wrong.

    Args:
        model_class: of transformers, whose `from_config` builds such a model (here without memory for its weights).
        config: the model's configuration.
        folder: where its files are.
    """
    stored = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    try:
        with torch.device("meta"):
            model = model_class.from_config(config, trust_remote_code=False)
    except Exception as error:  # sizes that no number can express, or no memory even for this
        return not is_out_of_memory(error)
    return sum(parameter.numel() for parameter in model.parameters()) > MOST_A_BYTE * stored


def _settings(config: dict[str, Any]) -> Iterator[tuple[str, int | float]]:
    """Names and values of all numbers, those of parts of the model included."""
    for name, value in config.items():
        if isinstance(value, dict):
            yield from _settings(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield name, value
