"""Reading another tool's config: which tool it is of, and its settings as plain values. Nothing of it is ever run.

Read are YAML and JSON (with comments), shell scripts that call a trainer, Python scripts and notebooks. One more tool
is an entry in TOOLS; what its settings mean stands in `mapping.py`.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from offbook.core.errors import UsageError

Settings = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ForeignConfig:
    """Another tool's config, flattened to one level."""

    tool: str
    """A key of TOOLS."""
    settings: Settings
    """Name → value, as the tool spells them, without leading dashes."""


@dataclass(frozen=True, slots=True)
class Tool:
    """How a tool's configs are recognised, and what it does where they say nothing."""

    name: str
    """As people call it."""
    signs: frozenset[str]
    """Settings that only its configs have; one is enough."""
    defaults: Mapping[str, Any]
    """What training does there by default, where offbook's own default is another."""
    hub: str
    """The hub that its model and data set names mean: `hf` or `ms`."""


TOOLS: dict[str, Tool] = {
    "xtuner": Tool(
        "xtuner",
        frozenset({"accumulative_counts", "prompt_template", "max_epochs", "pretrained_model_name_or_path"}),
        {"lora_r": 64, "lora_alpha": 16, "lora_dropout": 0.1, "target_modules": "all"},
        "hf",
    ),
    "weclone": Tool(
        "WeClone",
        frozenset({"train_sft_args", "make_dataset_args", "default_system_zh"}),
        {"lora_rank": 8, "lora_alpha": 16, "lora_dropout": 0.0, "lora_target": "all", "learning_rate": 5e-5},
        "hf",
    ),
    "axolotl": Tool(
        "axolotl",
        frozenset({"base_model", "micro_batch_size", "lora_target_linear", "sequence_len"}),
        {"lora_dropout": 0.0, "num_epochs": 1, "lr_scheduler": "cosine"},
        "hf",
    ),
    "llamafactory": Tool(
        "LLaMA-Factory",
        frozenset({"finetuning_type", "cutoff_len", "lora_target", "dataset_dir"}),
        {
            "lora_rank": 8,
            "lora_dropout": 0.0,
            "lora_target": "all",
            "cutoff_len": 2048,
            "learning_rate": 5e-5,
            "per_device_train_batch_size": 8,
        },
        "hf",
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
        },
        "ms",
    ),
    "script": Tool(
        "the script",
        frozenset({"r", "per_device_train_batch_size", "task_type"}),
        {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "learning_rate": 5e-5, "per_device_train_batch_size": 8},
        "hf",
    ),
}
"""Looked through from the first to the last: the tools whose settings are most their own come first."""


def read_config(path: Path) -> ForeignConfig:
    """Another tool's config.

    Raises:
        UsageError: the file cannot be read, or it is nobody's config that is known.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(
            "cannot read {path}: {strerror}",
            "Name the other tool's config file.",
            path=path,
            strerror=error.strerror,
        ) from None
    except UnicodeDecodeError:
        raise UsageError(
            "{path} is not UTF-8 text",
            "Save it as UTF-8.",
            path=path,
        ) from None
    reader = READERS.get(path.suffix.lower(), _yaml)
    try:
        settings = reader(text)
    except (ValueError, SyntaxError, yaml.YAMLError) as error:
        raise UsageError(
            "{path} cannot be read as {suffix}: {error}",
            "Check that line.",
            path=path,
            suffix=path.suffix or "YAML",
            error=error,
        ) from None
    for key, tool in TOOLS.items():
        if tool.signs & set(settings):
            return ForeignConfig(key, settings)
    names = ", ".join(tool.name for key, tool in TOOLS.items() if key != "script")
    raise UsageError(
        "{path} is no config that offbook knows",
        "Known are configs of {names}, and Python scripts or notebooks that use transformers, peft, trl or unsloth.",
        path=path,
        names=names,
    )


def _yaml(text: str) -> Settings:
    tree = yaml.safe_load(text)
    if not isinstance(tree, dict):
        raise ValueError("it holds no settings")
    return _flat(tree)


def _json(text: str) -> Settings:
    tree = json.loads(_without_comments(text))
    if not isinstance(tree, dict):
        raise ValueError("it holds no settings")
    if "cells" in tree and "nbformat" in tree:
        return _python(_notebook_source(tree))
    return _flat(tree)


def _without_comments(text: str) -> str:
    """JSON without `// …` and `/* … */`, and without a comma before a closing bracket; strings stay as they are."""
    parts = re.split(r'("(?:\\.|[^"\\])*")', text)
    parts[::2] = [re.sub(r"//[^\n]*|/\*.*?\*/", "", part, flags=re.DOTALL) for part in parts[::2]]
    return re.sub(r",(\s*[}\]])", r"\1", "".join(parts))


def _flat(tree: Mapping[str, Any]) -> Settings:
    """One level: sections are opened, and a section's name is kept as a sign of the tool."""
    settings: Settings = {}
    for key, value in tree.items():
        if isinstance(value, dict) and (key.endswith("_args") or key in ("train", "model", "data", "lora")):
            settings |= {key: None, **_flat(value)}
        else:
            settings[str(key)] = value
    return settings


def _shell(text: str) -> Settings:
    """The options of the trainer's call in a shell script."""
    words = shlex.split(text.replace("\\\n", " "), comments=True)
    settings: Settings = {}
    for place, word in enumerate(words):
        if not word.startswith("--"):
            continue
        key, has_value, value = word[2:].partition("=")
        values = [value] if has_value else _values(words[place + 1 :])
        settings[key.replace("-", "_")] = _value(values)
    return settings


def _values(words: list[str]) -> list[str]:
    end = next((place for place, word in enumerate(words) if word.startswith("--") or word in ("&&", ";")), len(words))
    return words[:end]


def _value(values: list[str]) -> Any:
    parsed = [yaml.safe_load(value) if value else value for value in values]
    return True if not parsed else parsed[0] if len(parsed) == 1 else parsed


def _notebook_source(notebook: Mapping[str, Any]) -> str:
    """The code cells of a notebook, without the lines that are no Python."""
    sources = ["".join(cell["source"]) for cell in notebook["cells"] if cell.get("cell_type") == "code"]
    lines = [line for source in sources for line in source.splitlines()]
    return "\n".join(line for line in lines if not line.lstrip().startswith(("!", "%")))


CALLS = (
    "LoraConfig", "TrainingArguments", "Seq2SeqTrainingArguments", "SFTConfig", "get_peft_model", "SwanLabCallback",
)  # fmt: skip
"""Calls whose keywords are settings."""


def _python(text: str) -> Settings:
    """The settings of a training script, read from its syntax tree.

    Those are module-level names with plain values, the keywords of the calls that configure a training, the model that
    is loaded or downloaded, the rows, and the system prompt of the function that formats them.
    """
    tree = ast.parse(text)
    names = {
        target.id: value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and (value := _literal(node.value, {})) is not None
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    settings: Settings = dict(names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            settings |= _call(node, names)
    if system := _system_prompt(tree):
        settings["system"] = system
    return settings


def _call(node: ast.Call, names: Mapping[str, Any]) -> Settings:
    """What a call says, if it is one that configures a training."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    first = _literal(node.args[0], names) if node.args else None
    keywords = {word.arg: _literal(word.value, names) for word in node.keywords if word.arg}
    if name == "dict" and any(getattr(word.value, "id", "") == "LoraConfig" for word in node.keywords):
        name = "LoraConfig"
    if name in CALLS:
        values = {key: value for key, value in keywords.items() if value is not None}
        return {**values, "trackers": ["swanlab"]} if name == "SwanLabCallback" else values
    if name in ("SFTTrainer", "Trainer", "Seq2SeqTrainer") and isinstance(keywords.get("model"), str):
        return {"model_name_or_path": keywords["model"]}
    if name == "snapshot_download" and isinstance(first, str):
        revision = keywords.get("revision")
        return {"snapshot": first, **({"revision": revision} if revision else {})}
    if name == "from_pretrained":
        source = keywords.get("model_name") or keywords.get("pretrained_model_name_or_path") or first
        loading = {key: keywords[key] for key in ("max_seq_length", "load_in_4bit") if keywords.get(key) is not None}
        return {**({"model_name_or_path": source} if isinstance(source, str) else {}), **loading}
    if (
        name in ("read_json", "read_csv", "open")
        and isinstance(first, str)
        and first.endswith((".json", ".jsonl", ".csv"))
    ):
        return {"dataset": first}
    if name == "load_dataset" and isinstance(first, str):
        return {"dataset": keywords.get("data_files") or first}
    return {}


def _literal(node: ast.AST, names: Mapping[str, Any]) -> Any:
    """The plain value of an expression, names looked up; None where it is none."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):  # torch.bfloat16, TaskType.CAUSAL_LM
        return node.attr
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _system_prompt(tree: ast.AST) -> str | None:
    """What stands before the row's own text in the string that a formatting function builds."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and any(isinstance(part, ast.FormattedValue) for part in node.values):
            before = next(_texts(node.values), "")
            text = re.sub(
                r"^\s*(?:system\b|系统)\s*[:：]?\s*", "", re.sub(r"<\|?[\w ]+\|?>|\[/?\w+\]", "\n", before).strip()
            )
            prompt = text.splitlines()[0].strip() if text else ""
            if prompt and not re.fullmatch(r"(?i)(user|human|用户|问)\s*[:：]?", prompt):
                return prompt
    return None


def _texts(values: list[ast.expr]) -> Iterator[str]:
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value
        elif isinstance(value, ast.FormattedValue):
            return


READERS: dict[str, Callable[[str], Settings]] = {
    ".yaml": _yaml,
    ".yml": _yaml,
    ".json": _json,
    ".jsonc": _json,
    ".ipynb": _json,
    ".sh": _shell,
    ".bash": _shell,
    ".py": _python,
}
"""File suffix → reader."""
