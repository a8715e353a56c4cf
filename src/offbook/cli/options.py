"""Command-line options made from the config's fields, so that each is declared once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import click
from pydantic.fields import FieldInfo

from offbook.cli.command import FilePath, SettingOption
from offbook.core.config import loading, schema
from offbook.core.config.schema import RunConfig
from offbook.core.errors import UsageError
from offbook.core.i18n import marked
from offbook.core.progress import Reporter
from offbook.core.shell import offbook_command, quoted, shell_command
from offbook.recipes import PLACEHOLDERS


def config_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `-c run.yaml` and every option of the config; it gets them as one `config` argument.

    Where the command has an option `--data FILE` of its own, that is short for `--data.source`.
    """

    @wraps(function)  # keeps the options that the command declares itself, too
    def command(config_file: str | None, strays: tuple[str, ...], **values: Any) -> Any:
        if strays:
            _refuse_stray(strays[0])
        names = {_parameter(name): name for name, _ in schema.options()}
        settings = {names[key]: values.pop(key) for key in list(values) if key in names}
        overrides = {name: value for name, value in settings.items() if value is not None}
        if values.get("data"):
            overrides["data.source"] = list(values["data"])
        return function(config=loading.load(_config_path(config_file, overrides), overrides), **values)

    for name, field in reversed(list(schema.options())):
        command = _option(name, field)(command)
    file_option = click.option(
        "-c", "--config", "config_file", type=FilePath(), metavar="PATH", help="The run's settings (run.yaml)."
    )
    return file_option(click.argument("strays", nargs=-1, metavar="")(command))


def _refuse_stray(word: str) -> NoReturn:
    is_config = Path(word).is_dir() or word.endswith((".yaml", ".yml"))
    meant = shell_command(*(("-c", word) if is_config else ("--data.source", word)))
    raise UsageError("'{word}' stands without an option", "Did you mean {meant}?", word=word, meant=meant)


def _config_path(config_file: str | None, overrides: Mapping[str, Any]) -> Path | None:
    """The file of `-c`; a folder that holds a run.yaml stands for it."""
    if config_file is not None:
        path = Path(config_file)
        return path / "run.yaml" if path.is_dir() else path
    if "data.source" not in overrides:
        near = next((path for pattern in ("run.yaml", "*/run.yaml") for path in sorted(Path().glob(pattern))), None)
        nearby = marked("Did you mean -c {path}?")
        none = marked("Name them with -c run.yaml; make them with: {command}")
        raise UsageError(
            "'data' is missing, and no settings are named",
            nearby if near else none,
            path=quoted(near or ""),
            command=offbook_command("init", "DIR", "--recipe", "NAME"),
        )
    return None


def same_settings(verb: str) -> str:
    """The command line of another verb with the settings of the call under way."""
    context = click.get_current_context()
    words: list[str | Path] = [verb]
    if config_file := context.params.get("config_file"):
        words += ["-c", config_file]
    for option in context.command.params:
        if isinstance(option, SettingOption) and (value := context.params.get(str(option.name))) is not None:
            words += [option.opts[0], str(value)]
    return offbook_command(*words)


def warn_of_placeholders(config: RunConfig, reporter: Reporter) -> None:
    """Warn if the character is still the recipe's: it would be trained in."""
    persona = {"persona.name": config.persona.name, "persona.system": config.persona.system}
    forgotten = [f"{name} ({value})" for name, value in persona.items() if value in PLACEHOLDERS]
    if forgotten:
        reporter.warning("still the recipe's own, write your character's: {options}", options=", ".join(forgotten))


def _option(name: str, field: FieldInfo) -> Callable[..., Any]:
    section = name.rpartition(".")[0]
    return click.option(
        f"--{name}",
        _parameter(name),
        cls=SettingOption,
        description=describe(field),
        section=f"Settings: {section or 'run'}",
        is_first=name in schema.FIRST_OPTIONS,
        metavar=loading.type_name(field),
        help=f"{describe(field)}{_default(field)}",
    )


def describe(field: FieldInfo) -> str:
    """What an option does, on one line, with how a list is written."""
    text = " ".join((field.description or "").split())
    return text + (""" A list is written '["a", "b"]'.""" if "list" in loading.type_name(field) else "")


def shown_default(field: FieldInfo) -> str:
    """An option's default as it is typed, "" where there is none to show."""
    value = field.default
    if field.is_required() or value is None or field.default_factory is not None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _default(field: FieldInfo) -> str:
    text = shown_default(field)
    return f"  [default: {text}]" if text else ""


def _parameter(name: str) -> str:
    return name.replace(".", "__")
