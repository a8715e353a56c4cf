"""Where the rows of another tool's data sets lie."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from offbook.core.config.schema import is_hub
from offbook.core.i18n import translate
from offbook.pipeline.migration.foreign_config import ForeignConfig
from offbook.pipeline.migration.tools import TOOLS

ROW_FILE = re.compile(r"\.(jsonl?|csv|tsv|parquet)$", re.IGNORECASE)
SAMPLE = re.compile(r"#\d+$")
"""ms-swift's #500: how many rows of a data set are used."""
FILE_FORMATS = ("json", "csv", "parquet", "text")
"""What axolotl's `path` says where `data_files` has the files."""


def row_sources(value: Any, foreign: ForeignConfig) -> tuple[str | list[str] | None, str]:
    """(data.source or None, why it is another than the tool's).

    Args:
        value: a path, a name, several with commas between them, a list, or axolotl's list of mappings.
        foreign: the config that says it.
    """
    listed = _listed(value)
    resolved = [_source(each, foreign) for each in listed]
    sources = [source for source in resolved if source]
    if not sources:
        return None, translate("no rows that can be named")
    unknown = [source for source, each in zip(resolved, listed, strict=True) if source == f"{each}.json"]
    why = translate("where the rows are") if sources != listed else ""
    if any(isinstance(each, str) and SAMPLE.search(each) for each in listed):
        why = translate("where the rows are; all of them are taken")
    if unknown:
        why = translate("a name that only {tool} knows: write the file of its rows there").format(
            tool=TOOLS[foreign.tool].name
        )
    return (sources[0] if len(sources) == 1 else sources), why


LEFT_SIDE = {
    **dict.fromkeys(("prompt", "query", "instruction", "field_instruction"), "prompt"),
    **dict.fromkeys(("input", "field_input"), "input"),
    **dict.fromkeys(("response", "output", "field_output"), "reply"),
    **dict.fromkeys(("system", "field_system"), "system"),
    "history": "history",
    **dict.fromkeys(("messages", "conversations", "field_messages"), "turns"),
}
"""What tools call a column's meaning → what `data.columns` calls it."""
USUAL = frozenset(
    ("instruction", "input", "output", "system", "history", "messages", "conversations", "prompt", "query", "response")
)
"""Columns that are known by their names."""


def meanings(named: Mapping[str, Any]) -> dict[str, str]:
    """`data.columns` from what a tool says of a file's columns, without those that are known by their names.

    Args:
        named: meaning as the tool calls it → column.
    """
    if "prompt" in named and "query" in named:  # LLaMA-Factory's pair: an instruction and what it is about
        named = {**named, "input": named["query"]}
        named.pop("query")
    pairs = {LEFT_SIDE[key]: column for key, column in named.items() if key in LEFT_SIDE and isinstance(column, str)}
    return pairs if set(pairs.values()) - USUAL else {}


def columns_of(value: Any, foreign: ForeignConfig) -> tuple[dict[str, str], dict[str, Any]]:
    """What the columns of a tool's data set mean, as `data.columns` says it, and as the tool says it.

    Empty where there are several data sets, since their columns may differ, or where nothing is said.
    """
    listed = _listed(value)
    if len(listed) != 1:
        return {}, {}
    description: Any = listed[0]
    if isinstance(description, str):
        entry = _listing(description, foreign) if TOOLS[foreign.tool].is_data_named else None
        description = entry.get("columns") if entry else None
    elif isinstance(description, Mapping) and isinstance(description.get("type"), Mapping):
        description = {**description, **description["type"]}
    named = (
        {key: column for key, column in description.items() if key in LEFT_SIDE}
        if isinstance(description, Mapping)
        else {}
    )
    columns = meanings(named)
    return columns, named if columns else {}


def _listed(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [each for part in value for each in _listed(part)] if isinstance(value, list | tuple) else [value]


def _source(value: Any, foreign: ForeignConfig) -> str | None:
    """A row file or a hub data set, from a path, a name, an entry of dataset_info.json or of axolotl's list."""
    if isinstance(value, Mapping):
        path, files = value.get("path"), value.get("data_files")
        value = files if files and path in (None, *FILE_FORMATS) else path
        value = value[0] if isinstance(value, list) and value else value
    if not isinstance(value, str) or not value:
        return None
    source = SAMPLE.sub("", value)
    if is_hub(source):
        return source
    tool = TOOLS[foreign.tool]
    if match := re.fullmatch(r"(hf|ms)::(.+)", source, re.IGNORECASE):  # ms-swift
        return f"{match[1].lower()}:{match[2]}"
    if tool.is_data_named and (entry := _entry(source, foreign)) is not None:
        return entry
    if ROW_FILE.search(source) or source.startswith((".", "/", "~")) or re.match(r"[A-Za-z]:\\", source):
        return source
    if re.fullmatch(r"[A-Za-z\d][\w.-]*/[\w.-]+", source) and not (foreign.folder / source).exists():
        return f"{'hf' if foreign.settings.get('use_hf') else tool.hub}:{source}"
    return source if "/" in source or (foreign.folder / source).exists() else f"{source}.json"


def _entry(name: str, foreign: ForeignConfig) -> str | None:
    """Where the rows of a name of LLaMA-Factory's dataset_info.json lie."""
    entry = _listing(name, foreign)
    if entry and isinstance(entry.get("file_name"), str):
        return Path(os.path.relpath(entry["folder"] / entry["file_name"], foreign.folder)).as_posix()
    return _hub_name(entry) if entry else None


def _listing(name: str, foreign: ForeignConfig) -> dict[str, Any] | None:
    """What LLaMA-Factory's dataset_info.json says of a name, and its `folder`; beside the config or above it."""
    folder = str(foreign.settings.get("dataset_dir") or "data")
    for start in (foreign.folder, *foreign.folder.absolute().parents[:3]):
        listing = start / folder / "dataset_info.json"
        if not listing.is_file():
            continue
        try:
            entry = json.loads(listing.read_text(encoding="utf-8")).get(name)
        except (ValueError, AttributeError):
            return None
        return {**entry, "folder": listing.parent} if isinstance(entry, dict) else None
    return None


def _hub_name(entry: Mapping[str, Any]) -> str | None:
    if "ms_hub_url" in entry and "hf_hub_url" not in entry:
        return f"ms:{entry['ms_hub_url']}"
    return f"hf:{entry['hf_hub_url']}" if "hf_hub_url" in entry else None
