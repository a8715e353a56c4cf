"""The settings of a training script or notebook, read from its syntax tree. Nothing of it is run.

They are variables with plain values, defaults of command-line options, the keywords of the calls that configure a
training, the model that is loaded or downloaded, the rows, and the system prompt of the function that formats them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from offbook.core.i18n import translate
from offbook.pipeline.migration.mapping import ACCUMULATION, METHODS, OPTIONS, PER_DEVICE, REASONS, STAGES
from offbook.pipeline.migration.python_value import Names, plain_value
from offbook.pipeline.migration.script_prompt import system_prompt
from offbook.pipeline.migration.settings_tree import parse_json, read_json

CONFIGURING = (
    "LoraConfig", "TrainingArguments", "Seq2SeqTrainingArguments", "SFTConfig", "get_peft_model", "SwanLabCallback",
    "TrainArguments", "SftArguments", "SFTArguments",
)  # fmt: skip
"""Calls whose keywords are settings."""
LOADING = ("max_seq_length", "load_in_4bit", "load_in_8bit", "full_finetuning")
"""Settings that unsloth gives with the model."""
SETTINGS = frozenset({*chain.from_iterable(OPTIONS.values()), *PER_DEVICE, *ACCUMULATION, *METHODS, *STAGES, *REASONS})
"""Names of variables that are settings; a script has others."""
ROW_FILES = (".json", ".jsonl", ".csv", ".tsv", ".parquet")
ROW_READERS = ("read_json", "read_csv", "read_parquet", "from_json", "from_csv", "from_parquet", "open")
FILE_FORMATS = ("json", "csv", "parquet", "text")
"""What stands first in `load_dataset` where the rows are files of one's own."""
SHELL_LINE = re.compile(r"(?m)^([ \t]*)[!%?].*?(?<!\\)$", re.DOTALL)
"""A notebook's line for the shell or for itself, with those that continue it."""
OTHER_CELL = re.compile(r"\s*%%(?!capture|time)")
"""How a cell begins that holds no Python."""
FENCED = re.compile(r"(?ms)^```(?:python|py)[^\n]*\n(.*?)^```")


def read_python(text: str) -> tuple[str | None, dict[str, Any]]:
    """The tool that a script is written for, where its imports tell, and its settings.

    Raises:
        SyntaxError: it is no Python.
    """
    return _settings(_parsed(text))


def read_notebook(text: str) -> tuple[str | None, dict[str, Any]]:
    """As `read_python`, of a notebook's code cells; another JSON file is read as settings.

    Raises:
        ValueError: it is no JSON, or no cell of it is Python.
    """
    tree = parse_json(text)
    if "cells" not in tree:
        return None, read_json(text)
    return _of_pieces(["".join(cell["source"]) for cell in tree["cells"] if cell.get("cell_type") == "code"])


def read_markdown(text: str) -> tuple[str | None, dict[str, Any]]:
    """As `read_python`, of the Python in a page."""
    return _of_pieces(FENCED.findall(text))


def _of_pieces(sources: list[str]) -> tuple[str | None, dict[str, Any]]:
    """Pieces of a program one after the other; one that is no Python is left out."""
    statements: list[ast.stmt] = []
    for source in sources:
        if OTHER_CELL.match(source):
            continue
        try:
            statements += _parsed(source).body
        except SyntaxError:
            continue
    if not statements:
        raise ValueError(translate("it holds no Python"))
    return _settings(ast.Module(statements, []))


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError:
        return ast.parse(SHELL_LINE.sub(r"\1pass", text))


def _settings(tree: ast.Module) -> tuple[str | None, dict[str, Any]]:
    names: Names = {}
    for node in _in_order(tree):
        _assign(node, names)
    configured: dict[str, Any] = {}
    for node in _in_order(tree):
        _assign(node, names)  # once more: what a name is at this place
        if isinstance(node, ast.Call):
            for key, value in _of_call(node, names).items():
                configured.setdefault(key, value)
    modules = _imported(tree)
    if any(module.startswith("modelscope") and "Auto" in name for module, name in modules):
        configured["use_modelscope"] = True
    if ("huggingface_hub", "snapshot_download") in modules and "snapshot" in configured:
        configured["repo_id"] = configured.pop("snapshot")
    if (prompt := system_prompt(tree, names)) is not None:
        configured["system"] = prompt
    variables = {key: value for key, value in names.items() if key in SETTINGS and not isinstance(value, dict)}
    return _tool(tree, modules), {**variables, **configured}


def _in_order(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node, in the order of the text; of a notebook, cell by cell."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed([*ast.iter_child_nodes(node)])


def _assign(node: ast.AST, names: Names) -> None:
    """Note what a name stands for, where it is a plain value."""
    if isinstance(node, ast.Assign):
        targets, value = node.targets, plain_value(node.value, names)
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        targets, value = [node.target], _default(node.value, names)
    elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument" and node.args:
        flags = [flag for flag in (plain_value(each, names) for each in node.args) if isinstance(flag, str)]
        target = next((flag for flag in flags if flag.startswith("--")), flags[0] if flags else "")
        value = next((plain_value(word.value, names) for word in node.keywords if word.arg == "default"), None)
        if target and value is not None:
            names[target.lstrip("-").replace("-", "_")] = value
        return
    else:
        return
    for each in targets:
        if isinstance(each, ast.Name) and value is not None:
            names[each.id] = value


def _default(node: ast.expr, names: Names) -> Any:
    """The default of a dataclass's field."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in ("field", "Field"):
        given = [word.value for word in node.keywords if word.arg == "default"] or node.args[:1]
        return plain_value(given[0], names) if given else None
    return plain_value(node, names)


def _of_call(node: ast.Call, names: Names) -> dict[str, Any]:
    """What a call says, if it is one that configures a training."""
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    first = plain_value(node.args[0], names) if node.args else None
    keywords: dict[str, Any] = {}
    for word in node.keywords:
        value = plain_value(word.value, names)
        if word.arg:
            keywords[word.arg] = value
        elif isinstance(value, dict):  # TrainingArguments(**settings)
            keywords |= value
    if name == "dict":  # xtuner's configs name in `type` what is called
        name = _type(node)
        first = keywords.get("path")
    if name == "LoggerHook" and isinstance(keywords.get("interval"), int):
        return {"logging_steps": keywords["interval"]}
    if "deterministic" in keywords and isinstance(keywords.get("seed"), int):  # xtuner's `randomness`
        return {"seed": keywords["seed"]}
    if name in CONFIGURING:
        values = {key: value for key, value in keywords.items() if value is not None and key != "model"}
        if name in ("TrainArguments", "SftArguments", "SFTArguments") and keywords.get("model"):
            values["model"] = keywords["model"]
        if name.endswith("TrainingArguments") and isinstance(first, str):
            values.setdefault("output_dir", first)
        return {**values, "trackers": ["swanlab"]} if name == "SwanLabCallback" else values
    if name in ("SFTTrainer", "Trainer", "Seq2SeqTrainer"):
        model = keywords.get("model") if isinstance(keywords.get("model"), str) else first
        trained = {"model_name_or_path": model} if isinstance(model, str) else {}
        return trained | {key: keywords[key] for key in ("max_seq_length", "packing") if keywords.get(key) is not None}
    if name == "get_chat_template" and keywords.get("chat_template"):
        return {"chat_template": keywords["chat_template"]}
    if name == "snapshot_download":
        source = first or keywords.get("model_id") or keywords.get("repo_id")
        revision = {"revision": keywords["revision"]} if keywords.get("revision") else {}
        return {"snapshot": source, **revision} if isinstance(source, str) else {}
    if name == "from_pretrained":
        return _of_loading(getattr(getattr(node.func, "value", None), "id", ""), first, keywords)
    return _of_rows(node, name, first, keywords)


def _type(node: ast.Call) -> str:
    """What `dict(type=…)` stands for: a name, or in a dumped config a dotted text."""
    kinds = [word.value for word in node.keywords if word.arg == "type"]
    return next((str(getattr(kind, "id", getattr(kind, "value", ""))).rpartition(".")[2] for kind in kinds), "")


def _of_loading(owner: str, first: Any, keywords: Mapping[str, Any]) -> dict[str, Any]:
    source = keywords.get("model_name") or keywords.get("pretrained_model_name_or_path") or first
    if not isinstance(source, str) or "Peft" in owner:
        return {}
    if re.search("Tokenizer|Processor|Config", owner):
        return {"tokenizer_name_or_path": source}
    loading = {key: keywords[key] for key in LOADING if keywords.get(key) is not None}
    return {"model_name_or_path": source, **loading}


def _of_rows(node: ast.Call, name: str, first: Any, keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The rows that a call reads."""
    if name in ROW_READERS and isinstance(first, str) and first.endswith(ROW_FILES):
        mode = node.args[1].value if len(node.args) > 1 and isinstance(node.args[1], ast.Constant) else "r"
        return {"dataset": first} if str(mode).startswith("r") else {}
    if (
        name == "load"
        and getattr(getattr(node.func, "value", None), "id", "") == "MsDataset"
        and isinstance(first, str)
    ):
        return {"dataset": f"ms:{first}"}
    if name != "load_dataset" or not isinstance(first, str):
        return {}
    files = keywords.get("data_files")
    if isinstance(files, dict):
        heldout = next((files[split] for split in ("validation", "eval", "test") if split in files), None)
        return {"dataset": files.get("train"), **({"eval_dataset": heldout} if heldout else {})}
    return {"dataset": files or first} if files or first not in FILE_FORMATS else {}


def _imported(tree: ast.AST) -> set[tuple[str, str]]:
    """(module, name) of all imports."""
    result = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            result |= {(node.module or "", alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            result |= {(alias.name, "") for alias in node.names}
    return result


def _tool(tree: ast.AST, modules: set[tuple[str, str]]) -> str | None:
    """The tool that a script is written for; a dumped config of xtuner names its parts in texts."""
    packages = {module.split(".")[0] for module, _ in modules}
    if "xtuner" in packages or any(
        isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("xtuner.")
        for node in ast.walk(tree)
    ):
        return "xtuner"
    is_swift = "swift" in packages and any(name in ("sft_main", *CONFIGURING[-3:]) for _, name in modules)
    return "swift" if is_swift else "script"
