"""From another tool's config to a run.yaml: `offbook migrate FILE`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from offbook.core.config.loading import validate
from offbook.core.config.schema import ModelConfig
from offbook.core.errors import UsageError
from offbook.core.i18n import translate
from offbook.core.progress import fill
from offbook.pipeline.migration.foreign_config import ForeignConfig, read_config
from offbook.pipeline.migration.mapping import (
    ACCUMULATION,
    LORA,
    METHODS,
    OPTIONS,
    PER_DEVICE,
    REASONS,
    SECRET,
    SHARE_OF_STEPS,
    STAGES,
    TRACKER_SWITCH,
)
from offbook.pipeline.migration.row_sources import columns_of
from offbook.pipeline.migration.tools import TOOLS
from offbook.pipeline.migration.values import converted

ROWS_PLACEHOLDER = "lines.jsonl"
PLACES = ("path", "data_files", "name")
"""Where axolotl's data sets lie; the rest of them says how their rows are read."""
WHOLE_BY_DEFAULT = {"axolotl": "adapter", "trl": "use_peft"}
"""Tools that train all weights unless a setting of theirs says otherwise."""
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
    """A run.yaml from the config of another tool, or from a training script.

    The file is read as text; nothing of it is run. Where it says nothing and the tool's default is another than
    offbook's, the tool's is written, so that the run stays the same.

    Raises:
        UsageError: the file is no config that is known.
    """
    foreign = read_config(path)
    migration = Migration(TOOLS[foreign.tool].name)
    used = _batch_size(foreign, migration) | _method(foreign, migration)
    for option, names in OPTIONS.items():
        used |= _take(option, names, foreign, migration)
    _alpha(foreign, migration)
    used |= _switched_on(foreign, migration) | _of_data_sets(foreign, migration)
    for key, value in foreign.settings.items():
        if key not in used and value is not None:
            reason = translate(REASONS[key]) if key in REASONS else translate("no counterpart in offbook")
            migration.left_out.append(f"{key} {_shown(value, key)}: {reason}")
    _fill_in(migration)
    validate({**migration.config}, str(path))
    return migration


def _take(option: str, names: tuple[str, ...], foreign: ForeignConfig, migration: Migration) -> set[str]:
    """Put an option that the config, or else the tool's default, gives; returns the settings that are dealt with."""
    tool = TOOLS[foreign.tool]
    empty = {name for name in names if foreign.settings.get(name) in ([], "")}
    given = [name for name in names if foreign.settings.get(name) is not None and name not in empty]
    name = given[0] if given else next((name for name in names if name in tool.defaults), None)
    if name is None:
        return empty
    value = foreign.settings[name] if given else tool.defaults[name]
    became, why = converted(option, name, value, foreign)
    if became is not None and not _is_valid(option, became):
        share = option == "train.warmup_steps" and isinstance(became, float)
        why = translate(SHARE_OF_STEPS) if share else fill("{option} takes no such value", {"option": option})
        became = None
    if became is not None:
        migration.put(option, became)
    origin = "" if given else fill(" ({tool}'s default)", {"tool": translate(tool.name)})
    if became is None:
        migration.left_out.append(f"{name} {_shown(value, name)}: {why}")
    elif why:
        migration.changed.append(f"{name} {_shown(value)}{origin} → {option} {_shown(became)}: {why}")
    else:
        migration.taken.append(f"{name} {_shown(value)}{origin} → {option}")
    for other in given[1:]:
        if foreign.settings[other] != value:
            reason = fill("{name} is taken", {"name": name})
            migration.left_out.append(f"{other} {_shown(foreign.settings[other], other)}: {reason}")
    return {*given, *empty}


def _is_valid(option: str, value: Any) -> bool:
    trial = Migration("", {"data": {"source": ROWS_PLACEHOLDER}})
    trial.put(option, value)
    try:
        validate(trial.config)
    except UsageError:
        return False
    return True


def _batch_size(foreign: ForeignConfig, migration: Migration) -> set[str]:
    """Examples of one optimizer step: what one device computes at once times how often it accumulates."""
    given = {key: value for key, value in foreign.settings.items() if value is not None}
    settings = {**TOOLS[foreign.tool].defaults, **given}
    at_once = next((name for names in (given, settings) for name in PER_DEVICE if name in names), None)
    times = next((name for name in ACCUMULATION if name in settings), None)
    if at_once is None:
        return set()
    factors = [name for name in (at_once, times) if name]
    if at_once == "micro_batch_size" and "batch_size" in settings and not times:
        factors = ["batch_size"]  # alpaca-lora: that of the whole step
    product = 1
    for name in factors:
        try:
            product *= int(settings[name])
        except (TypeError, ValueError):  # "auto"
            why = translate("no number")
            migration.left_out.append(f"{name} {_shown(settings[name])}: {why}")
    if not _is_valid("train.batch_size", product):
        return set(factors)
    migration.put("train.batch_size", product)
    shown = " × ".join(f"{name} {settings[name]}" for name in factors)
    why = translate("examples of one optimizer step; times the number of GPUs, if there were several")
    migration.changed.append(f"{shown} → train.batch_size {product}: {why}")
    return {at_once, *factors}


def _method(foreign: ForeignConfig, migration: Migration) -> set[str]:
    """Say where a config trains something else than an adapter on conversations."""
    used = set()
    if foreign.tool in WHOLE_BY_DEFAULT and not foreign.settings.get(WHOLE_BY_DEFAULT[foreign.tool]):
        name, why = WHOLE_BY_DEFAULT[foreign.tool], translate("offbook trains a LoRA adapter instead")
        migration.changed.append(f"{name} {_shown(None)}: {why}")
    for name in (*METHODS, *STAGES):
        value = foreign.settings.get(name)
        if not isinstance(value, str | bool):
            continue
        used.add(name)
        method = ("full" if value else LORA[0]) if isinstance(value, bool) else value.lower()
        if name in STAGES and method != "sft":
            why = translate("offbook learns from conversations (sft) alone")
            migration.changed.append(f"{name} {_shown(value)}: {why}")
        elif name in METHODS and method not in LORA:
            why = translate("offbook trains a LoRA adapter instead")
            migration.changed.append(f"{name} {_shown(value)}: {why}")
        else:
            reason = translate("offbook is a LoRA trainer: this is always so")
            migration.left_out.append(f"{name} {_shown(value)}: {reason}")
    return used


def _alpha(foreign: ForeignConfig, migration: Migration) -> None:
    """LLaMA-Factory's alpha is twice the rank, where none is given."""
    if foreign.tool in ("llamafactory", "weclone") and not foreign.settings.get("lora_alpha"):
        alpha = 2 * migration.config["lora"]["rank"]
        migration.put("lora.alpha", alpha)
        origin = fill(" ({tool}'s default)", {"tool": translate(migration.tool)})
        migration.taken.append(f"lora_alpha {alpha}{origin} → lora.alpha")


def _switched_on(foreign: ForeignConfig, migration: Migration) -> set[str]:
    """Trackers that a switch of their own adds, as `use_swanlab` does."""
    used = set()
    for name, value in foreign.settings.items():
        tracker = match[1] if (match := TRACKER_SWITCH.fullmatch(name)) else ""
        tracker = {"comet": "comet_ml"}.get(tracker, tracker)
        if tracker and value is True:
            used.add(name)
            named = migration.config.get("track", {}).get("trackers", [])
            migration.put("track.trackers", list(dict.fromkeys([*named, tracker])))
            migration.taken.append(f"{name} {_shown(value)} → track.trackers")
    return used


def _of_data_sets(foreign: ForeignConfig, migration: Migration) -> set[str]:
    """What is said of a data set beside where it lies: its columns, its system prompt, and what has no counterpart."""
    name = next((name for name in OPTIONS["data.source"] if foreign.settings.get(name)), None)
    value = foreign.settings.get(name or "")
    columns, fields = columns_of(value, foreign)
    if columns and "columns" not in migration.config.get("data", {}):
        migration.put("data.columns", columns)
        shown = ", ".join(f"{key} {column}" for key, column in fields.items())
        migration.changed.append(f"{shown} → data.columns {_shown(columns)}: {translate('called so here')}")
    for each in [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []:
        inside = {**each, **(each["type"] if isinstance(each.get("type"), dict) else {})}
        prompt = inside.get("system_prompt")
        if isinstance(prompt, str) and prompt and "system" not in migration.config.get("persona", {}):
            migration.put("persona.system", prompt)
            migration.taken.append(f"{name}.system_prompt {_shown(prompt)} → persona.system")
            inside.pop("system_prompt")
        for key, part in inside.items():
            is_merged = key == "type" and isinstance(part, dict)
            if key not in (*PLACES, *fields) and part is not None and not is_merged:
                how = translate("how a row is read follows from its columns (data.format, data.columns)")
                reason = translate(REASONS[key]) if key in ("split", "ds_type") else how
                migration.left_out.append(f"{name}.{key} {_shown(part, key)}: {reason}")
    return set()


def _fill_in(migration: Migration) -> None:
    """Name the rows and the model, where the file does not."""
    if "source" not in migration.config.setdefault("data", {}):
        migration.put("data.source", ROWS_PLACEHOLDER)
        why = translate("the file names no rows; write yours there")
        migration.changed.append(f"data.source {ROWS_PLACEHOLDER}: {why}")
    if "source" not in migration.config.get("model", {}):
        source = ModelConfig().source
        migration.put("model.source", source)
        why = translate("the file names no model; write yours there")
        migration.changed.append(f"model.source {source}: {why}")


def _shown(value: Any, name: str = "") -> str:
    if any(part in name.lower().split("_") for part in SECRET):
        return "…"
    text = json.dumps(value, ensure_ascii=False, default=str) if not isinstance(value, str) else value
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:57]}…"
