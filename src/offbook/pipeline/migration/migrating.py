"""From another tool's config to a run.yaml: `offbook migrate FILE`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from offbook.core.config.loading import validate
from offbook.pipeline.migration.foreign_config import TOOLS, ForeignConfig, Tool, read_config
from offbook.pipeline.migration.mapping import ACCUMULATION, OPTIONS, PER_DEVICE, REASONS

ROWS_PLACEHOLDER = "lines.jsonl"
SCHEDULES = ("linear", "cosine", "constant")
ALL_LINEAR = ("all", "all-linear", "ALL", True)
ORDER = ("name", "model", "persona", "data", "generation", "lora", "train", "track")


@dataclass(slots=True)
class Migration:
    """What became of another tool's config."""

    tool: str
    """The tool's name, as people call it."""
    config: dict[str, Any] = field(default_factory=dict)
    """The run.yaml as nested dicts."""
    taken: list[str] = field(default_factory=list)
    """One sentence a setting that means the same here."""
    changed: list[str] = field(default_factory=list)
    """One sentence a setting that is said in another way here, and why."""
    left_out: list[str] = field(default_factory=list)
    """One sentence a setting without a counterpart, and why."""

    @property
    def text(self) -> str:
        """The run.yaml."""
        ordered = {key: self.config[key] for key in ORDER if key in self.config}
        return yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True, width=110)

    def put(self, option: str, value: Any) -> None:
        """Set a dotted option."""
        section, _, leaf = option.rpartition(".")
        (self.config.setdefault(section, {}) if section else self.config)[leaf] = value


def migrate(path: Path) -> Migration:
    """A run.yaml from the config of LLaMA-Factory, ms-swift, axolotl, xtuner, WeClone, or from a training script.

    The file is read as text; nothing of it is run. Where it says nothing and the tool's default is another than
    offbook's, the tool's is written, so that the run stays the same.

    Raises:
        UsageError: the file is no config that is known, or a value does not fit offbook's option.
    """
    foreign = read_config(path)
    tool = TOOLS[foreign.tool]
    migration = Migration(tool.name)
    used = _batch_size(foreign, tool, migration)
    for option, names in OPTIONS.items():
        used |= _take(option, names, foreign, tool, path.parent, migration)
    for key, value in foreign.settings.items():
        if key in used or value is None or key.endswith("_args"):
            continue
        reason = REASONS.get(key)
        if reason is not None or foreign.tool != "script":  # a script's other variables are not settings
            migration.left_out.append(f"{key} {_shown(value)}: {reason or 'no counterpart in offbook'}")
    if "source" not in migration.config.setdefault("data", {}):
        migration.put("data.source", ROWS_PLACEHOLDER)
        migration.changed.append(f"data.source {ROWS_PLACEHOLDER}: the file names no rows; write yours there")
    validate({**migration.config}, str(path))
    return migration


def _take(
    option: str, names: tuple[str, ...], foreign: ForeignConfig, tool: Tool, folder: Path, migration: Migration
) -> set[str]:
    """Put an option that the config, or else the tool's default, gives; returns the settings that are dealt with."""
    given = [name for name in names if foreign.settings.get(name) is not None]
    name = given[0] if given else next((name for name in names if name in tool.defaults), None)
    if name is None:
        return set()
    value = foreign.settings[name] if given else tool.defaults[name]
    became, why = _converted(option, name, value, foreign, tool, folder)
    if became is not None:
        migration.put(option, became)
    origin = "" if given else f" ({tool.name}'s default)"
    if became is None:
        migration.left_out.append(f"{name} {_shown(value)}: {why}")
    elif why:
        migration.changed.append(f"{name} {_shown(value)}{origin} → {option} {_shown(became)}: {why}")
    else:
        migration.taken.append(f"{name} {_shown(value)}{origin} → {option}")
    return set(given)


def _converted(option: str, name: str, value: Any, foreign: ForeignConfig, tool: Tool, folder: Path) -> tuple[Any, str]:
    """(the value as offbook says it or None, why it is another)."""
    if option == "model.source":
        return _model_source(name, str(value), foreign, tool)
    if option == "data.source":
        return _data_source(value, tool, foreign, folder)
    if option == "name":
        text = re.sub(r"[^\w.-]+", "-", Path(str(value).rstrip("/\\")).name).strip("-.")
        return (text or None), ("a run's name, and its folder under runs/" if text != value else "")
    if option == "lora.target_modules":
        return _target_modules(value)
    if option == "train.schedule":
        short = str(value).split("_", maxsplit=1)[0]
        if short in SCHEDULES:
            return short, "" if short == value else "the nearest that offbook has"
        return "linear", "the nearest that offbook has"
    if option == "data.heldout" and float(value) >= 1:
        return None, "a number of rows; offbook holds out a share (data.heldout)"
    if option == "train.gradient_checkpointing" and not isinstance(value, bool):
        return True, "on or off"
    if option == "track.trackers":
        listed = [value] if isinstance(value, str) else list(value)
        return [each for each in listed if each not in ("none", "all")], ""
    if option.startswith(("train.", "lora.", "data.heldout", "data.max")) and isinstance(value, str):
        return yaml.safe_load(re.sub(r"^(\d+)e", r"\1.0e", value)), ""
    return value, ""


def _model_source(name: str, value: str, foreign: ForeignConfig, tool: Tool) -> tuple[Any, str]:
    if value.startswith(("./", "../", "/", "~")) or re.match(r"^[A-Za-z]:\\", value):
        return value, ""
    hub = "ms" if name == "snapshot" or foreign.settings.get("use_modelscope") else tool.hub
    hub = "hf" if foreign.settings.get("use_hf") else hub
    return f"{hub}:{value}", f"the model's name on {'ModelScope' if hub == 'ms' else 'Hugging Face'}"


def _data_source(value: Any, tool: Tool, foreign: ForeignConfig, folder: Path) -> tuple[Any, str]:
    sources = [_one_source(each, tool, foreign, folder) for each in _listed(value)]
    sources = [source for source in sources if source]
    if not sources:
        return None, "no rows that can be named"
    return (sources[0] if len(sources) == 1 else sources), "" if sources == _listed(value) else "where the rows are"


def _listed(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return list(value) if isinstance(value, list | tuple) else [value]


def _one_source(value: Any, tool: Tool, foreign: ForeignConfig, folder: Path) -> str | None:
    """A row file or a hub data set, from a path, a name, an entry of dataset_info.json or of axolotl's list."""
    if isinstance(value, dict):
        value = value.get("path") or value.get("data_files")
        value = value[0] if isinstance(value, list) else value
    if not isinstance(value, str):
        return None
    source: str = value.partition("#")[0]  # ms-swift's #500: how many rows
    listing = folder / str(foreign.settings.get("dataset_dir", "data")) / "dataset_info.json"
    entries: dict[str, dict[str, str]] = json.loads(listing.read_text(encoding="utf-8")) if listing.is_file() else {}
    if (entry := entries.get(source)) is not None:
        return str(Path(listing.parent.name, entry["file_name"])) if "file_name" in entry else _hub_name(entry)
    if re.search(r"\.(jsonl?|csv|tsv|parquet)$", source) or source.startswith((".", "/", "~")):
        return source
    return f"{tool.hub}:{source}" if re.fullmatch(r"[\w.-]+/[\w.-]+", source) else f"{source}.json"


def _hub_name(entry: Mapping[str, str]) -> str | None:
    if "hf_hub_url" in entry:
        return f"hf:{entry['hf_hub_url']}"
    return f"ms:{entry['ms_hub_url']}" if "ms_hub_url" in entry else None


def _target_modules(value: Any) -> tuple[Any, str]:
    listed = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if value in ALL_LINEAR or listed == ["all"] or listed == ["all-linear"]:
        return ["all-linear"], ""
    return (listed, "") if isinstance(listed, list) else (None, "it names no layers")


def _batch_size(foreign: ForeignConfig, tool: Tool, migration: Migration) -> set[str]:
    """Examples of one optimizer step: what one device computes at once times how often it accumulates."""
    settings = {**tool.defaults, **{key: value for key, value in foreign.settings.items() if value is not None}}
    at_once = next((name for name in PER_DEVICE if name in settings), None)
    times = next((name for name in ACCUMULATION if name in settings), None)
    if at_once is None:
        return set()
    product = int(settings[at_once]) * int(settings[times] if times else 1)
    migration.put("train.batch_size", product)
    factors = f"{at_once} {settings[at_once]}" + (f" × {times} {settings[times]}" if times else "")
    why = "examples of one optimizer step; times the number of GPUs, if there were several"
    migration.changed.append(f"{factors} → train.batch_size {product}: {why}")
    return {at_once, *([times] if times else [])}


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str) if not isinstance(value, str) else value
    return text if len(text) <= 60 else f"{text[:57]}…"
