"""The other tools: how their settings are recognised, and what they do where a config says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from offbook.core.i18n import marked


@dataclass(frozen=True, slots=True)
class Tool:
    """Another fine-tuning tool."""

    name: str
    """As people call it."""
    signs: frozenset[str]
    """Settings that only its configs have; one is enough."""
    defaults: Mapping[str, Any]
    """What training does there by default, where offbook's own default is another."""
    hub: str = "hf"
    """The hub that its model and data set names mean: `hf` or `ms`."""
    is_data_named: bool = False
    """Whether a data set is named by an entry of its dataset_info.json, or by a name that it knows itself."""


_LLAMAFACTORY = {
    "lora_rank": 8,
    "lora_dropout": 0.0,
    "lora_target": "all",
    "cutoff_len": 2048,
    "learning_rate": 5e-5,
    "per_device_train_batch_size": 8,
}
TOOLS: dict[str, Tool] = {
    "weclone": Tool(
        "WeClone",
        frozenset({"train_sft_args", "make_dataset_args", "default_system_zh"}),
        _LLAMAFACTORY,
        is_data_named=True,
    ),
    "firefly": Tool(
        "Firefly",
        frozenset({"template_name", "train_mode"}),
        {
            "lora_rank": 64,
            "lora_alpha": 16,
            "lora_dropout": 0.05,
            "lora_target": "all",
            "learning_rate": 5e-5,
            "per_device_train_batch_size": 8,
        },
    ),
    "llamafactory": Tool(
        "LLaMA-Factory",
        frozenset({"finetuning_type", "cutoff_len", "lora_target", "dataset_dir"}),
        _LLAMAFACTORY,
        is_data_named=True,
    ),
    "swift": Tool(
        "ms-swift",
        frozenset({"train_type", "tuner_type", "torch_dtype", "model_author", "split_dataset_ratio", "sft_type"}),
        {
            "lora_rank": 8,
            "lora_alpha": 32,
            "lora_dropout": 0.05,
            "target_modules": "all-linear",
            "lr_scheduler_type": "cosine",
            "weight_decay": 0.1,
        },
        hub="ms",
        is_data_named=True,
    ),
    "trl": Tool(
        "TRL",
        frozenset({"use_peft", "dataset_name", "assistant_only_loss"}),
        {"lora_r": 16, "lora_alpha": 32, "lora_dropout": 0.05, "learning_rate": 2e-5, "per_device_train_batch_size": 8},
    ),
    "axolotl": Tool(
        "axolotl",
        frozenset({"base_model", "micro_batch_size", "lora_target_linear", "sequence_len"}),
        {"lora_dropout": 0.0, "num_epochs": 1, "lr_scheduler": "cosine", "micro_batch_size": 1},
    ),
    "xtuner": Tool(
        "xtuner",
        frozenset({"accumulative_counts", "pretrained_model_name_or_path"}),
        {
            "lora_r": 64,
            "lora_alpha": 16,
            "lora_dropout": 0.1,
            "target_modules": "all",
            "batch_size": 1,
            "lr_scheduler": "cosine",
        },
    ),
    "script": Tool(
        marked("the script"),
        frozenset({"r", "lora_r", "lora_rank", "per_device_train_batch_size", "task_type"}),
        {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "learning_rate": 5e-5, "per_device_train_batch_size": 8},
    ),
}
"""Looked through from the first to the last: the tools whose settings are most their own come first."""


def recognised(settings: Mapping[str, Any]) -> str | None:
    """The key of the tool whose settings these are; None where there is none."""
    return next((key for key, tool in TOOLS.items() if tool.signs & set(settings)), None)
