"""Which files of a model folder are its weights, and which folders are refused."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from offbook.core.errors import UsageError

INDEX = "model.safetensors.index.json"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")


def weight_files(folder: Path) -> list[str]:
    """The names of a model folder's safetensors files, in order.

    Raises:
        UsageError: the folder is no model, has no safetensors weights, or lacks a part that its index names.
    """
    names = sorted(file.name for file in folder.iterdir() if file.is_file())
    check_weights(str(folder), names)
    index = folder / INDEX
    if not index.is_file():
        return [name for name in names if name.endswith(".safetensors")]
    try:
        parts = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"{index} is damaged", "Get the model again.") from None
    # Loading follows the index's names as paths: one that is no plain file name here counts as missing.
    missing = sorted(str(part) for part in parts - set(names))
    if missing:
        raise UsageError(f"the model in {folder} lacks {missing[0]}, which its index names", "Get the model again.")
    return sorted(parts)


def check_weights(source: str, names: Collection[str]) -> None:
    """Refuse, by its file names, what is no model and what could only be loaded by running code.

    Raises:
        UsageError: no config.json, or no safetensors weights.
    """
    if "config.json" not in names:
        raise UsageError(f"{source} is not a model: it has no config.json", "Name a model in transformers' format.")
    if any(name.endswith(".safetensors") and "/" not in name for name in names):
        return
    pickled = next((name for name in names if name.endswith(PICKLES)), None)
    why = f"only a pickle ({pickled}), and opening one can run any program" if pickled else "none at all"
    raise UsageError(
        f"{source} has no safetensors weights: {why}",
        "Look for the same model with .safetensors files on a hub.",
    )
