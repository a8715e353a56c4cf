"""What the files of a PEFT adapter folder tell without torch: whether there is an adapter, and on which base model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from offbook.core.errors import UsageError
from offbook.core.text_file import read_text

WEIGHTS = "adapter_model.safetensors"
"""Name of the file with the adapter's weights."""
CONFIG = "adapter_config.json"
"""Name of the file with its shape and its base model."""

UNDERSTOOD = frozenset(
    [
        "task_type",
        "peft_type",
        "auto_mapping",
        "peft_version",
        "base_model_name_or_path",
        "revision",
        "inference_mode",
        "r",
        "target_modules",
        "exclude_modules",
        "lora_alpha",
        "lora_dropout",
        "fan_in_fan_out",
        "bias",
        "use_rslora",
        "modules_to_save",
        "trainable_token_indices",
        "ensure_weight_tying",
        "layers_to_transform",
        "layers_pattern",
        "rank_pattern",
        "alpha_pattern",
        "use_dora",
        "lora_bias",
        "qalora_group_size",
    ]
)
"""Settings of a LoRA adapter that mean numbers and names of layers, whatever their values."""
HARMLESS = {
    "megatron_core": ("megatron.core", None),
    "init_lora_weights": (True, False, "gaussian", "orthogonal", "eva"),
}
"""Settings that are harmless with these values alone: others import a module, or change the base model's weights."""

PATTERNS = ("target_modules", "exclude_modules", "layers_pattern", "rank_pattern", "alpha_pattern")
"""Settings whose texts peft matches as regular expressions with the name of every layer."""
REPEATED_GROUP, REPEAT = re.compile(r"\)[*+{]"), re.compile(r"[*+{]")
MOST_REPEATS = 3
"""Repeats in an expression: each multiplies the time by the length of a layer's name, a repeated group doubles it for
each letter."""


def read_lora_config(folder: Path) -> dict[str, Any]:
    """The settings of a LoRA adapter; refuse one that is anything else than LoRA on the base model's own layers.

    Other kinds make peft open further folders or hub repositories, and what lies there may be a pickle, or code.

    Raises:
        UsageError: naming the kind, or the setting.
    """
    try:
        config: Any = json.loads(read_text(folder / CONFIG))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            "{folder} cannot be read: {error}",
            "Restore it, or train again.",
            folder=folder / CONFIG,
            error=error,
        ) from None
    kind = config.get("peft_type") if isinstance(config, dict) else None
    if kind != "LORA":
        raise UsageError(
            "the adapter in {folder} is of the kind {kind} (peft_type), which offbook does not open",
            "Only LoRA adapters are opened; merge others with the program that made them.",
            folder=folder,
            kind=kind,
        )
    for name, value in config.items():
        if not (name in UNDERSTOOD or value in HARMLESS.get(name, ()) or _is_unset(value)):
            raise UsageError(
                "the adapter in {folder} asks for {name}={value}, which offbook does not know",
                "Only plain LoRA adapters are opened; merge others with the program that made them.",
                folder=folder,
                name=name,
                value=str(value)[:80],
            )
    for name in PATTERNS:
        if slow := next((text for text in _texts(config.get(name)) if not _is_quick(text)), None):
            raise UsageError(
                "the adapter in {folder} names layers by an expression that may take for ever: {name}={value}",
                "Write the layers' names into its {config} instead, or merge it with the program that made it.",
                folder=folder,
                name=name,
                value=slow[:80],
                config=CONFIG,
            )
    return dict(config)


def _texts(value: Any) -> Iterator[str]:
    """A text, the texts of a list, or the keys of a dict."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        yield from (item for item in value if isinstance(item, str))


def _is_quick(expression: str) -> bool:
    return not REPEATED_GROUP.search(expression) and len(REPEAT.findall(expression)) <= MOST_REPEATS


def _is_unset(value: Any) -> bool:
    return value is None or value is False or value in ({}, [])


def base_of(folder: Path) -> str | None:
    """Source or path of the base model that an adapter folder names; None where it names none."""
    return _text(folder, "base_model_name_or_path")


def revision_of(folder: Path) -> str | None:
    """Branch, tag or commit of that base model, where the adapter names one."""
    return _text(folder, "revision")


def _text(folder: Path, setting: str) -> str | None:
    try:
        value = json.loads(read_text(folder / CONFIG))[setting]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return value if isinstance(value, str) and value else None
