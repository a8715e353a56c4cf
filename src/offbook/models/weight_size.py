"""How much memory a model's weights will take, from its files alone."""

from __future__ import annotations

import json
import math
from pathlib import Path

from offbook.models.load import choose_dtype


def loaded_bytes(folder: Path, dtype: str = "auto") -> int:
    """Bytes of a model's weights once they are loaded.

    Args:
        folder: holds the safetensors files.
        dtype: as for `offbook.models.load.load_model`.
    """
    parameters = sum(_parameters(path) for path in folder.glob("*.safetensors"))
    return parameters * choose_dtype(dtype).itemsize


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
