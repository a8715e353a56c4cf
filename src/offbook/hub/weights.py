"""Which files of a model folder are its weights, and which folders are refused."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from offbook.core.errors import UsageError
from offbook.core.i18n import marked

INDEX = "model.safetensors.index.json"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")

_PICKLED = marked("{source} has no safetensors weights: only a pickle ({pickled}), and opening one can run any program")
_GGUF = marked("{source} has no safetensors weights: only GGUF files, quantized copies that cannot be trained")
_NO_WEIGHTS = marked("{source} has no safetensors weights: none at all")
_SAME_MODEL = marked("Look for the same model with .safetensors files on a hub.")
_ORIGINAL = marked("Take the original that they were made from, with .safetensors files.")


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
        raise UsageError(
            "{index} is damaged",
            "Get the model again.",
            index=index,
        ) from None
    # Loading follows the index's names as paths: one that is no plain file name here counts as missing.
    missing = sorted(str(part) for part in parts - set(names))
    if missing:
        raise UsageError(
            "the model in {folder} lacks {missing}, which its index names",
            "Get the model again.",
            folder=folder,
            missing=missing[0],
        )
    return sorted(parts)


def check_weights(source: str, names: Collection[str]) -> None:
    """Refuse, by its file names, what is no model and what could only be loaded by running code.

    Raises:
        UsageError: no config.json, or no safetensors weights.
    """
    gguf = any(name.endswith(".gguf") for name in names) and not any(name.endswith(".safetensors") for name in names)
    if "config.json" not in names and not gguf:
        raise UsageError(
            "{source} is not a model: it has no config.json",
            "Name a model in transformers' format.",
            source=source,
        )
    if any(name.endswith(".safetensors") and "/" not in name for name in names):
        return
    pickled = next((name for name in names if name.endswith(PICKLES)), None)
    raise UsageError(
        _GGUF if gguf else _PICKLED if pickled else _NO_WEIGHTS,
        _ORIGINAL if gguf else _SAME_MODEL,
        source=source,
        pickled=pickled,
    )
