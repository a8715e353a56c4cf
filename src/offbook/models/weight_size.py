"""How much memory a model's weights will take, from its files alone."""

from __future__ import annotations

import json
import math
from pathlib import Path

import psutil

from offbook.models.load import choose_dtype

SPARE = 1.25
"""Times the bytes of its weights that a model takes to answer."""


def loaded_bytes(folder: Path, dtype: str = "auto") -> int:
    """Bytes of a model's weights once they are loaded.

    Args:
        folder: holds the safetensors files.
        dtype: as for `offbook.models.load.load_model`.
    """
    parameters = sum(_parameters(path) for path in folder.glob("*.safetensors"))
    return parameters * choose_dtype(dtype).itemsize


def unquantized_fits(folder: Path, copies: int = 1) -> bool:
    """Whether free memory holds a model's weights in bfloat16, with a quarter to spare.

    Args:
        folder: holds the safetensors files.
        copies: processes that load them.
    """
    return loaded_bytes(folder, "bfloat16") * copies * SPARE < psutil.virtual_memory().available


def _parameters(path: Path) -> int:
    """Numbers in a safetensors file, by its header: eight bytes of length, then JSON."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    # MXFP4 packs two numbers into a byte.
    return sum(
        math.prod(entry["shape"]) * (2 if name.endswith("_blocks") and entry["dtype"] == "U8" else 1)
        for name, entry in header.items()
        if name != "__metadata__"
    )
