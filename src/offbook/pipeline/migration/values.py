"""A setting's value as offbook says it, and why it is another than the tool's."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from offbook.core.config.schema import is_hub
from offbook.core.i18n import translate
from offbook.core.progress import fill
from offbook.pipeline.migration.foreign_config import ForeignConfig
from offbook.pipeline.migration.row_sources import meanings, row_sources
from offbook.pipeline.migration.settings_tree import read_object
from offbook.pipeline.migration.tools import TOOLS
from offbook.tracking.trackers import tracker_names

SCHEDULES = ("linear", "cosine", "constant")
ALL_LINEAR = ("all", "all-linear", "auto", "default")
"""What tools say for every linear layer, in small letters; AUTO and DEFAULT are ms-swift's own choice of layers."""
OUTSIDE = re.compile(r"(^|\.)(embed_tokens|wte|lm_head|visual|vision_\w+|audio_\w+|multi_modal_projector)(\.|$)")
"""Names of layers that are no linear layer of the decoder's blocks: embeddings, the output layer, other senses."""
HUB_NAME = re.compile(r"[A-Za-z\d][\w.-]*/[\w.-]+")
QUANTISED = re.compile(r"(-unsloth)?-bnb-[48]bit$")
"""The end of a name whose weights only bitsandbytes reads; without it, it is the name of the full weights."""
SWANLAB_MODES = {"cloud": "online"}


def converted(option: str, name: str, value: Any, foreign: ForeignConfig) -> tuple[Any, str]:
    """(the value as offbook says it or None, why it is another or why there is none).

    Args:
        option: offbook's dotted option.
        name: what the tool calls it.
        value: what the tool's config says.
        foreign: the whole config.
    """
    match option:
        case "model.source":
            return _model_source(name, value, foreign)
        case "data.source":
            return row_sources(value, foreign)
        case "data.heldout_source":
            source, why = row_sources(value, foreign)
            return (source[0], translate("one file")) if isinstance(source, list) else (source, why)
        case "persona.system":
            return _system(value, foreign)
    if option in CONVERTERS:
        return CONVERTERS[option](value)
    return (_number(value) if isinstance(value, str) else value), ""


def _number(text: str) -> Any:
    """The number of a text: YAML 1.1 does not take 1e-4 for one."""
    try:
        return yaml.safe_load(re.sub(r"^(\d+)[eE]", r"\1.0e", text.strip()))
    except yaml.YAMLError:
        return text


def _model_source(name: str, value: Any, foreign: ForeignConfig) -> tuple[Any, str]:
    text, tool = str(value), TOOLS[foreign.tool]
    if name == "model_name" and tool.is_data_named:
        return None, translate("a name that only {tool} knows").format(tool=tool.name)
    if is_hub(text) or not HUB_NAME.fullmatch(text) or (foreign.folder / text).is_dir():
        return text, ""
    is_modelscope = name == "snapshot" or foreign.settings.get("use_modelscope")
    hub = "ms" if is_modelscope else tool.hub
    hub = "hf" if foreign.settings.get("use_hf") or name == "repo_id" else hub
    source = f"{hub}:{QUANTISED.sub('', text)}"
    if QUANTISED.search(text):
        return source, translate("the full weights: those of that name only bitsandbytes reads")
    return source, translate("the model's name on {hub}").format(hub="ModelScope" if hub == "ms" else "Hugging Face")


def _name(value: Any) -> tuple[Any, str]:
    written = re.sub(r"\$\([^()]*\)|`[^`]*`", "", str(value))  # what only running a script would tell
    last = re.split(r"[/\\]", written.rstrip("/\\"))[-1]
    text = re.sub(r"[^\w.-]+", "-", last).strip("-.")
    return (text or None), (translate("a run's name, and its folder under runs/") if text != value else "")


def _target_modules(value: Any) -> tuple[Any, str]:
    listed = [value] if isinstance(value, str) else value
    if isinstance(value, str) and re.fullmatch(r"[\w., -]+", value):
        listed = [part for part in re.split(r"[,\s]+", value) if part]
    if value is True:
        return ["all-linear"], ""
    if not isinstance(listed, list) or not listed:
        return None, translate("it names no layers")
    inside = [each for each in listed if not OUTSIDE.search(str(each))]
    why = translate("adapters go into the linear layers of the decoder alone") if len(inside) < len(listed) else ""
    if inside and all(str(each).lower() in ALL_LINEAR for each in inside):
        is_same = str(inside[0]).lower() in ALL_LINEAR[:2]
        return ["all-linear"], why if is_same else translate("the tool's own choice of layers is not known here")
    return (inside or None), why


def _schedule(value: Any) -> tuple[Any, str]:
    short = str(value).split("_", maxsplit=1)[0]
    nearest = short if short in SCHEDULES else "linear"
    is_same = nearest == value or str(value) == "constant_with_warmup"
    return nearest, "" if is_same else translate("the nearest that offbook has")


def _heldout(value: Any) -> tuple[Any, str]:
    share = _number(value) if isinstance(value, str) else value
    if isinstance(share, int | float) and share >= 1:
        return None, translate("a number of rows; offbook holds out a share (data.heldout)")
    return share, ""


def _checkpointing(value: Any) -> tuple[Any, str]:
    is_on = value if isinstance(value, bool) else str(value).lower() not in ("false", "none", "0", "")
    return is_on, "" if isinstance(value, bool) else translate("on or off")


def _trackers(value: Any) -> tuple[Any, str]:
    listed = re.split(r"[,\s]+", value) if isinstance(value, str) else value if isinstance(value, list) else []
    named = [each.strip() for each in map(str, listed) if each.strip() and each.strip().lower() != "none"]
    trackers = [each for each in named if each in tracker_names()]
    if "all" in named:
        return trackers, translate("those that are to take part are named one by one")
    unknown = ", ".join(each for each in named if each not in trackers)
    return trackers, fill("no tracker that offbook knows: {names}", {"names": unknown}) if unknown else ""


def _columns(value: Any) -> tuple[Any, str]:
    """ms-swift's: the file's column → what it is."""
    given = read_object(value) if isinstance(value, str) else value
    named = {str(meaning): str(column) for column, meaning in given.items()} if isinstance(given, dict) else {}
    columns = meanings(named)
    return (columns or None), translate("called so here") if columns else translate("these names are known")


def _prompts(value: Any) -> tuple[Any, str]:
    return (value if isinstance(value, list) else None), ""


def _mode(value: Any) -> tuple[Any, str]:
    mode = SWANLAB_MODES.get(str(value), str(value))
    return mode, "" if mode == value else translate("called so here")


def _system(value: Any, foreign: ForeignConfig) -> tuple[Any, str]:
    if not isinstance(value, str) or not value.strip():
        return None, translate("no text")
    if re.fullmatch(r"\S+\.txt", value) and (foreign.folder / value).is_file():
        return Path(foreign.folder / value).read_text(encoding="utf-8").strip(), translate("the text of that file")
    return value, ""


CONVERTERS: dict[str, Callable[[Any], tuple[Any, str]]] = {
    "name": _name,
    "data.columns": _columns,
    "persona.sample_prompts": _prompts,
    "data.heldout": _heldout,
    "lora.target_modules": _target_modules,
    "train.schedule": _schedule,
    "train.gradient_checkpointing": _checkpointing,
    "track.trackers": _trackers,
    "track.mode": _mode,
}
"""Options whose values other tools say in another way, whatever else their config says."""
