"""What the files of a PEFT adapter folder tell without torch: whether there is an adapter, and on which base model."""

from __future__ import annotations

import json
from pathlib import Path

WEIGHTS = "adapter_model.safetensors"
"""Name of the file with the adapter's weights."""

CONFIG = "adapter_config.json"
"""Name of the file with its shape and its base model."""


def base_of(folder: Path) -> str | None:
    """Source or path of the base model that an adapter folder names; None where it names none."""
    try:
        name = json.loads((folder / CONFIG).read_text(encoding="utf-8"))["base_model_name_or_path"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None
