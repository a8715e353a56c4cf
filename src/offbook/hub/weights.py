"""Which files of a model folder are its weights, and which folders are refused."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from offbook.core.errors import UsageError
from offbook.core.i18n import marked

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
POINTER_BYTES = 1024
"""A pointer of Git LFS is shorter: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md"""
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")

ADAPTER = "adapter_config.json"
"""What transformers takes for an order to load another model in a folder's place, and an adapter into it."""

_IS_ADAPTER = marked("{source} is an adapter, not a model (adapter_config.json)")
_HAS_ADAPTER = marked("{source} holds an adapter beside the model (adapter_config.json): which of the two is meant?")
_BASE_AND_ADAPTER = marked(
    "Name its base model as model.source and this one as model.adapter, to train it further; "
    "chat and serve take its folder as it is."
)
_MOVE_ADAPTER = marked("Move the adapter's files to a folder of their own, and name that one as model.adapter.")
_PICKLED = marked("{source} has no safetensors weights: only a pickle ({pickled}), and opening one can run any program")
_GGUF = marked("{source} has no safetensors weights: only GGUF files, quantized copies that cannot be trained")
_NO_WEIGHTS = marked("{source} has no safetensors weights: none at all")
_SAME_MODEL = marked("Look for the same model with .safetensors files on a hub.")
_ORIGINAL = marked("Take the original that they were made from, with .safetensors files.")


def weight_files(folder: Path) -> list[str]:
    """The names of a model folder's safetensors files, in order.

    Raises:
        UsageError: the folder is no model, has no safetensors weights, lacks a part that its index names, or a file in
            it is a pointer of Git LFS.
    """
    names = sorted(file.name for file in folder.iterdir() if file.is_file())
    check_weights(str(folder), names)
    for name in names:
        _refuse_pointer(folder / name)
    index = folder / INDEX
    if SINGLE in names:  # what is loaded, whatever else there is
        return [SINGLE]
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


def _refuse_pointer(file: Path) -> None:
    """See that a file is itself: `git clone` without Git LFS leaves a few lines in the place of each large one.

    Raises:
        UsageError: it is such a pointer.
    """
    if file.stat().st_size < POINTER_BYTES and file.read_bytes().startswith(b"version https://git-lfs"):
        raise UsageError(
            "{file} is a pointer of Git LFS, not the file itself",
            "Fetch the files in that folder with: git lfs pull",
            file=file,
        )


def model_files(names: Collection[str]) -> list[str]:
    """The names without those of an adapter that lies beside a model; all of them where there is no model."""
    others = [name for name in names if not name.startswith("adapter_")]
    return others if any(name.endswith(".safetensors") for name in others) else list(names)


def check_weights(source: str, names: Collection[str]) -> None:
    """Refuse, by its file names, what is no model and what could only be loaded by running code.

    Raises:
        UsageError: an adapter, no config.json, or no safetensors weights.
    """
    if ADAPTER in names:
        is_adapter = ADAPTER in model_files(names)
        raise UsageError(
            _IS_ADAPTER if is_adapter else _HAS_ADAPTER,
            _BASE_AND_ADAPTER if is_adapter else _MOVE_ADAPTER,
            source=source,
        )
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
