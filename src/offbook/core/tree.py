"""Settings as nested dicts: changed by dotted names, laid over each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


def parse(value: Any) -> Any:
    """An override's text read as YAML; `1e-3`, which YAML 1.1 takes for text, becomes a number in validation."""
    if not isinstance(value, str):
        return value
    try:
        return yaml.safe_load(value)
    except (yaml.YAMLError, ValueError):  # ValueError: a date that does not exist
        return value


def put(tree: dict[str, Any], dotted: str, value: Any) -> None:
    """Set `a.b.c` in the tree; sections are made as needed."""
    *sections, leaf = dotted.split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
    tree[leaf] = value


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` on top, section by section."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged
