"""A YAML file of settings, read strictly: what YAML would take for something else than was meant is an error."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from offbook.core.errors import UsageError

MAKE_ONE = "Make one with: offbook init DIR --recipe NAME"
FULL_WIDTH = re.compile(r"^\s*[a-z_]+\s*：")
"""A key with a Chinese colon after it."""
BARE_COLON = re.compile(r"^\s*(?:- )?[a-z_]+: +[^\s\"'\[{|>].*:(?: |$)")
"""A key, and after it text without quotes in which a colon stands, too."""
CURLY = {"“": "”", "‘": "’", "”": "”", "’": "’"}
"""Quotes that people write by mistake for those of YAML."""


class SettingsFile(NamedTuple):
    """A file's settings as nested dicts, and the line that each dotted key stands on."""

    tree: dict[str, Any]
    lines: dict[str, int]


def read_settings(path: Path) -> SettingsFile:
    """A file's settings.

    Raises:
        UsageError: it cannot be read, is no mapping, or holds what nobody means; with the line.
    """
    text = _read(path)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(root, yaml.MappingNode):
            raise _full_width(path, text.splitlines()) or UsageError(f"{path} holds no settings", MAKE_ONE)
        lines: dict[str, int] = {}
        _look_through(root, "", lines, path)
        return SettingsFile(yaml.safe_load(text), lines)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that does not exist
        raise _explained(path, text, error) from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise UsageError(f"cannot read {path}: {reason}", MAKE_ONE) from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text", "Save it as UTF-8.") from None


def _look_through(section: yaml.MappingNode, prefix: str, lines: dict[str, int], path: Path) -> None:
    """Note the line of every key below a section, and refuse what nobody means."""
    for key, value in section.value:
        dotted, line = f"{prefix}{key.value}", key.start_mark.line + 1
        if dotted in lines:
            raise UsageError(
                f"{path} line {line}: '{dotted}' is there already, on line {lines[dotted]}", "Keep one of the two."
            )
        lines[dotted] = line
        if isinstance(value, yaml.MappingNode):
            _look_through(value, f"{dotted}.", lines, path)
            continue
        for scalar in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            _refuse_curly(scalar, path)
        _refuse_wide_comma(value, path)
        if isinstance(value, yaml.ScalarNode) and value.style is None and value.start_mark.line >= line:
            # What was meant for a section's keys is one text, which begins below.
            fault = _full_width(path, [value.value], value.start_mark.line)
            if fault is not None:
                raise fault


def _refuse_curly(node: yaml.Node, path: Path) -> None:
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return
    if len(node.value) > 1 and node.value[-1] == CURLY.get(node.value[0]):
        raise UsageError(
            f"{path} line {node.start_mark.line + 1}: {node.value[0]} and {node.value[-1]} are no quotes to YAML, "
            f"they would become part of the text: {node.value}",
            f'Write plain ones: "{node.value[1:-1]}" (or, if you mean them, plain ones around them).',
        )


def _refuse_wide_comma(node: yaml.Node, path: Path) -> None:
    if not isinstance(node, yaml.SequenceNode) or not node.flow_style or len(node.value) != 1:
        return
    (only,) = node.value
    if isinstance(only, yaml.ScalarNode) and only.style is None and "，" in only.value:
        raise UsageError(
            f"{path} line {only.start_mark.line + 1} has ，, which does not part a list: [{only.value}] is one text",
            'Part it with a plain comma: ["a", "b"]; put a text that holds ， in quotes.',
        )


def _full_width(path: Path, lines: Iterable[str], before: int = 0) -> UsageError | None:
    """The fault of the first line that has a Chinese colon after its key, if one has; `before`: the lines above."""
    for number, line in enumerate(lines, before + 1):
        if FULL_WIDTH.match(line):
            return UsageError(f"{path} line {number} has ：, where YAML needs a plain ': '", f"Write: {_plain(line)}")
    return None


def _plain(line: str) -> str:
    key, _, value = line.strip().partition("：")
    return f"{key.rstrip()}: {value.lstrip()}".rstrip()


def _explained(path: Path, text: str, error: Exception) -> UsageError:
    """Why it is not YAML: the usual mistakes in plain words, else in YAML's own."""
    problem, mark = getattr(error, "problem", None), getattr(error, "problem_mark", None)
    if mark is None:
        return UsageError(f"{path} is not YAML: {problem or error}", "Mend that line.")
    start = getattr(error, "context_mark", None) or mark
    lines = text.splitlines()
    if fault := _full_width(path, lines[start.line : mark.line + 1], start.line):
        return fault
    here = lines[mark.line] if mark.line < len(lines) else ""
    if problem == "mapping values are not allowed here" and BARE_COLON.match(here):
        key, _, value = here.strip().removeprefix("- ").partition(": ")
        return UsageError(
            f"{path} line {mark.line + 1}: text with ': ' in it needs quotes", f"Write: {key}: '{value.strip()}'"
        )
    return UsageError(f"{path} line {mark.line + 1} is not YAML: {problem}", "Mend that line.")
