"""The settings of YAML and JSON files, flattened to one level."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from offbook.core.i18n import translate

OPENED = ("train", "model", "data", "lora", "top", "common_args", "train_sft_args", "infer_args")
"""Sections whose settings count as the file's own."""
CLOSED = re.compile(r"\w+_args")
"""Other sections are of the tool's further work: WeClone's data preparation, pretraining, serving."""
CLOSED_SECTION = "{…}"
"""What stands for their settings."""


def read_yaml(text: str) -> dict[str, Any]:
    """The settings of a YAML file.

    Raises:
        ValueError: it holds none.
        yaml.YAMLError: it is no YAML.
    """
    return _flat(_mapping(yaml.safe_load(text)))


def read_json(text: str) -> dict[str, Any]:
    """The settings of a JSON file, which may hold comments and a comma too many.

    Raises:
        ValueError: it is no JSON, or holds none.
    """
    return _flat(parse_json(text))


def parse_json(text: str) -> dict[str, Any]:
    """A JSON object, as `read_json` takes it."""
    return _mapping(json.loads(_without_comments(text)))


def read_object(text: str) -> dict[str, Any]:
    """A JSON object that is an option's value; empty where it is none."""
    try:
        return parse_json(text)
    except ValueError:
        return {}


def _mapping(tree: Any) -> dict[str, Any]:
    if not isinstance(tree, dict):
        raise ValueError(translate("it holds no settings"))
    return tree


def _without_comments(text: str) -> str:
    """JSON without `// …` and `/* … */`, and without a comma before a closing bracket; strings stay as they are."""
    parts = re.split(r'("(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/)', text, flags=re.DOTALL)
    kept = "".join("" if part.startswith(("//", "/*")) else part for part in parts)
    parts = re.split(r'("(?:\\.|[^"\\])*")', kept)
    parts[::2] = [re.sub(r",(\s*[}\]])", r"\1", part) for part in parts[::2]]
    return "".join(parts)


def _flat(tree: Mapping[Any, Any]) -> dict[str, Any]:
    """One level: sections are opened, and a section's name is kept as a sign of the tool."""
    settings: dict[str, Any] = {}
    for key, value in tree.items():
        name = re.sub(r"^(top|train)\.", "", str(key))  # LLaMA-Factory's board
        if not isinstance(value, dict):
            settings[name] = value
        elif name in OPENED:
            inside = _flat(value)
            if name == "infer_args" and "max_length" in inside:  # there it is the length of a reply
                inside["max_new_tokens"] = inside.pop("max_length")
            settings |= {name: None, **inside}
        else:
            settings[name] = CLOSED_SECTION if CLOSED.fullmatch(name) else value
    return settings
