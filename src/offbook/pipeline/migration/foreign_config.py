"""Another tool's config: which tool it is of, and its settings as plain values. Nothing of it is ever run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from offbook.core.errors import UsageError
from offbook.data.encoding import read_text
from offbook.pipeline.migration.python_script import read_markdown, read_notebook, read_python
from offbook.pipeline.migration.settings_tree import read_json, read_yaml
from offbook.pipeline.migration.shell_command import read_shell
from offbook.pipeline.migration.tools import TOOLS, recognised

Settings = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ForeignConfig:
    """Another tool's config, flattened to one level."""

    tool: str
    """A key of TOOLS."""
    settings: Settings
    """Name → value, as the tool spells them, without leading dashes."""
    folder: Path
    """Where the file lies."""


def read_config(path: Path) -> ForeignConfig:
    """Another tool's config.

    Raises:
        UsageError: the file cannot be read, or it is nobody's config that is known.
    """
    tool, settings = _read(path)
    named = path.parent / str(settings.get("config_file", ""))
    if named.is_file() and "config_file" in settings:  # a command that names a file of settings
        there, inside = _read(named)
        settings = {**inside, **settings}
        tool = tool or there
    if settings.pop("config_file", None) == settings.get("config"):
        settings.pop("config", None)
    if tool is None or not TOOLS[tool].signs & set(settings):
        tool = recognised(settings) if tool in (None, "script") else tool
    if tool is None or not settings:
        names = ", ".join(tool.name for key, tool in TOOLS.items() if key != "script")
        raise UsageError(
            "{path} is no config that offbook knows",
            "Known: configs of {names}; Python scripts and notebooks that use transformers, peft, trl or unsloth.",
            path=path,
            names=names,
        )
    return ForeignConfig(tool, settings, path.parent)


def _read(path: Path) -> tuple[str | None, Settings]:
    """(the tool, where the text itself tells; the settings)."""
    text = read_text(path).removeprefix("\ufeff")
    reader = READERS.get(path.suffix.lower()) or (_other if "--" in text else _yaml)
    try:
        return reader(text)
    except (ValueError, SyntaxError, yaml.YAMLError, RecursionError, MemoryError) as error:
        raise UsageError(
            "{path} cannot be read as {suffix}: {error}",
            "Check that line.",
            path=path,
            suffix=path.suffix or "YAML",
            error=error,
        ) from None


def _yaml(text: str) -> tuple[str | None, Settings]:
    return None, read_yaml(text)


def _json(text: str) -> tuple[str | None, Settings]:
    return None, read_json(text)


def _other(text: str) -> tuple[str | None, Settings]:
    """A file of no suffix that is known: settings, or else a command."""
    try:
        return _yaml(text)
    except (ValueError, yaml.YAMLError):
        return read_shell(text)


READERS: dict[str, Callable[[str], tuple[str | None, Settings]]] = {
    ".yaml": _yaml,
    ".yml": _yaml,
    ".json": read_notebook,
    ".jsonc": _json,
    ".json5": _json,
    ".ipynb": read_notebook,
    ".sh": read_shell,
    ".bash": read_shell,
    ".zsh": read_shell,
    ".bat": read_shell,
    ".cmd": read_shell,
    ".ps1": read_shell,
    ".py": read_python,
    ".md": read_markdown,
}
"""File suffix → reader."""
