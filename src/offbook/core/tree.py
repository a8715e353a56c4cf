"""Settings as nested dicts: read from YAML, changed by dotted names, laid over each other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from offbook.core.errors import UsageError


def read_yaml(path: Path) -> dict[str, Any]:
    """A file's settings.

    Raises:
        UsageError: it cannot be read, or is no mapping; with the line where YAML breaks off.
    """
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise UsageError(f"cannot read {path}: {reason}", "Make one with: offbook init DIR --recipe NAME") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text", "Save it as UTF-8.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise UsageError(f"{path}{line} is not YAML: {getattr(error, 'problem', error)}", "Mend that line.") from None
    if not isinstance(tree, dict):
        raise UsageError(f"{path} holds no settings", "Make one with: offbook init DIR --recipe NAME")
    return tree


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
