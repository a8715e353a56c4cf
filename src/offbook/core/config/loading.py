"""A run's config from a YAML file and dotted overrides: defaults < file < command line."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from offbook.core.config.errors import explain
from offbook.core.config.renamed import RENAMED
from offbook.core.config.schema import BASE, RunConfig, is_hub, options
from offbook.core.config.yaml_file import CURLY, SettingsFile, read_settings
from offbook.core.errors import UsageError

SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a character of UTF-16, or a byte that Python could not decode."""


def load(path: str | Path | None, overrides: Mapping[str, Any] | None = None) -> RunConfig:
    """The config of a YAML file with dotted overrides (`{"train.epochs": "1"}`) on top.

    Paths in the file are relative to the file, paths in an override to the current folder. An override's text is read
    as YAML, as if it stood in the file; where text is asked for, it is what was typed.

    Raises:
        UsageError: the file cannot be read, a key is unknown or a value is invalid; all errors at once.
    """
    tree, lines = read_settings(Path(path)) if path is not None else SettingsFile({}, {})
    if path is not None:
        _anchor_paths(tree, Path(path).resolve().parent)
    changes: dict[str, Any] = {}
    fields = dict(options())
    for dotted, value in (overrides or {}).items():
        put(changes, dotted, _parse_override(value, fields.get(dotted)))
    _anchor_paths(changes, Path.cwd())
    where = str(path) if path is not None else "the options"
    return validate(merge(tree, changes), where, lines, overridden=(overrides or {}).keys())


def load_stored(path: Path) -> RunConfig:
    """The config that a run keeps: what an earlier version called otherwise has its name of today.

    Raises:
        UsageError: as in `load`.
    """
    tree, lines = read_settings(path)
    for old, new in RENAMED.items():
        section, _, leaf = old.partition(".")
        part = tree.get(section)
        if isinstance(part, dict) and leaf in part:
            put(tree, new, part.pop(leaf))
    _anchor_paths(tree, path.resolve().parent)
    return validate(tree, str(path), lines)


def _parse_override(text: Any, field: FieldInfo | None) -> Any:
    """The value of an override.

    Text stays text, although YAML would read `yes` as true, `You are: me` as a mapping and `No #1` as a word with a
    comment; it may be in quotes.
    """
    value = parse(text)
    kinds = _kinds(field.annotation) if field is not None else ()
    if not isinstance(text, str) or not any(kind is str or typing.get_origin(kind) is Literal for kind in kinds):
        return value
    is_null = text.strip().lower() in ("", "~", "null") and type(None) in kinds
    is_list = isinstance(value, list) and list[str] in kinds
    is_quoted = isinstance(value, str) and text[:1] in ("'", '"')
    return value if is_null or is_list or is_quoted else text


def _kinds(annotation: Any) -> tuple[Any, ...]:
    """The types that a field accepts."""
    is_union = typing.get_origin(annotation) in (types.UnionType, typing.Union)
    kinds = typing.get_args(annotation) if is_union else (annotation,)
    return tuple(typing.get_args(kind)[0] if typing.get_origin(kind) is Annotated else kind for kind in kinds)


def validate(
    tree: Mapping[str, Any],
    where: str = "the config",
    lines: Mapping[str, int] | None = None,
    overridden: Collection[str] = (),
) -> RunConfig:
    """A RunConfig from a nested dict.

    Args:
        where: what it comes from.
        lines: dotted key → its line there.
        overridden: the dotted options that came from the command line instead.

    Raises:
        UsageError: naming each invalid key, and for an unknown one the nearest that exists.
    """
    _refuse_broken_text(tree, where)
    try:
        return RunConfig.model_validate(dict(tree))
    except ValidationError as error:
        names = [name for name, _ in options()]
        what = explain(error.errors(), names, where, lines or {}, overridden)
        raise UsageError(what, "See `offbook train --help-all` for every option.") from None


def _refuse_broken_text(value: Any, where: str, name: str = "") -> None:
    r"""See that every text can be written to a file: `"\ud800"` in YAML, or a byte of another encoding, cannot."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            _refuse_broken_text(part, where, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for part in value:
            _refuse_broken_text(part, where, name)
    elif isinstance(value, str) and SURROGATE.search(value):
        raise UsageError(
            "{where}: {name} holds half of a character, which no file can keep: {text}",
            "Type it again, in UTF-8.",
            where=where,
            name=name,
            text=ascii(value[:60]),
        )


def dump(config: RunConfig, folder: Path | None = None) -> str:
    """The config as YAML, sections in the order of their declaration.

    Args:
        config: the settings.
        folder: make relative paths absolute, starting from here: for a file that will lie elsewhere.
    """
    tree = config.model_dump()
    if folder is not None:
        _anchor_paths(tree, folder)
    return dump_tree(tree)


def dump_tree(tree: Mapping[str, Any]) -> str:
    """Settings as YAML, in the order in which they stand in the tree."""
    return yaml.dump(dict(tree), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """Quotes a text that begins with a curly quote, so that it reads back right, and writes long text as a block."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        style = '"' if text[:1] in CURLY else "|" if "\n" in text and _fits_block(text) else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _fits_block(text: str) -> bool:
    """Whether YAML can hold a text as a `|` block, unchanged."""
    return text[:1] not in " \n\t" and not any(line != line.rstrip() for line in text.split("\n"))


_Dumper.add_representer(str, _Dumper.represent_text)


PATH_OPTIONS = ("model.source", "model.adapter", "data.source", "data.heldout_source", "data.replay")


def _anchor_paths(tree: dict[str, Any], folder: Path) -> None:
    """Make the relative paths in `tree` absolute, starting from `folder`; sources on a hub stay as they are."""

    def anchor(source: Any) -> Any:
        if isinstance(source, list):
            return [anchor(item) for item in source]
        if not isinstance(source, str) or is_hub(source) or not source:
            return source
        base, path = folder.resolve(), Path(source).expanduser()
        while path.parts[:1] == ("..",):  # read by people: no /home/me/jester/../lines.json
            base, path = base.parent, Path(*path.parts[1:])
        return str(base / path)

    for dotted in PATH_OPTIONS:
        section, leaf = dotted.split(".")
        part = tree.get(section)
        if isinstance(part, dict) and leaf in part and (dotted, part[leaf]) != ("data.replay", BASE):
            part[leaf] = anchor(part[leaf])


def type_name(field: FieldInfo) -> str:
    """A field's type in a word or two, for help and docs: `number`, `a|b`, `list`."""
    return _type_name(field.annotation)


def _type_name(kind: Any) -> str:
    if typing.get_origin(kind) is Annotated:
        return _type_name(typing.get_args(kind)[0])
    if typing.get_origin(kind) is Literal:
        return "|".join(typing.get_args(kind))
    if len(_kinds(kind)) > 1:
        return " or ".join(_type_name(part) for part in _kinds(kind) if part is not type(None))
    if typing.get_origin(kind) is dict:
        return "name=text,…"
    names = {str: "text", int: "integer", float: "number", bool: "true|false"}
    return names.get(kind, "list" if typing.get_origin(kind) is list else str(kind))


def parse(value: Any) -> Any:
    """An override's text read as YAML; `1e-3`, which YAML 1.1 takes for text, becomes a number in validation."""
    if not isinstance(value, str):
        return value
    try:
        return yaml.safe_load(value)
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: a date that does not exist
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
