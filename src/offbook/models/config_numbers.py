"""Numbers in a base model's config.json with which it could not be built, or would not compute."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from offbook.core.errors import UsageError

MOST_LAYERS = 2000
"""More than any model has; transformers would build them for hours."""
ROOM = 4
"""Times the bytes of the files that loading may take: they may hold two bytes a number, and be read twice."""
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


def has_room(folder: Path) -> bool:
    """Whether there is memory for several times what a model's files hold: who asks for more was told a wrong size."""
    stored = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    return ROOM * stored < psutil.virtual_memory().available


def _settings(config: dict[str, Any]) -> Iterator[tuple[str, int | float]]:
    """Names and values of all numbers, those of parts of the model included."""
    for name, value in config.items():
        if isinstance(value, dict):
            yield from _settings(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield name, value
