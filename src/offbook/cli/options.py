"""Command-line options made from the config's fields, so that each is declared once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from offbook.core import config as configs


def config_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `-c run.yaml` and every option of the config; it gets them as one `config` argument.

    Where the command has an option `--data FILE` of its own, that is short for `--data.source`.
    """

    @wraps(function)  # keeps the options that the command declares itself, too
    def command(config_file: str | None, **values: Any) -> Any:
        names = {_parameter(name): name for name, _ in configs.options()}
        told = {names[key]: values.pop(key) for key in list(values) if key in names}
        overrides = {name: value for name, value in told.items() if value is not None}
        if values.get("data"):
            overrides["data.source"] = list(values["data"])
        return function(config=configs.load(config_file, overrides), **values)

    for name, field in reversed(list(configs.options())):
        command = _option(name, field)(command)
    file_option = click.option(
        "-c", "--config", "config_file", type=click.Path(), help="The run's settings (run.yaml)."
    )
    return file_option(command)


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--json`: one JSON object on standard output, everything else on standard error."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(function)


def print_json(value: Any) -> None:
    """The one JSON object of a `--json` command."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def _option(name: str, field: FieldInfo) -> Callable[..., Any]:
    default = "" if field.default in (None, PydanticUndefined) else f" [{_shown(field.default)}]"
    help_text = " ".join((field.description or "").split())
    kind = configs.type_name(field)
    if "list" in kind:
        help_text += """ A list is written '["a", "b"]'."""
    return click.option(f"--{name}", _parameter(name), metavar=kind.upper(), help=f"{help_text}{default}")


def _parameter(name: str) -> str:
    return name.replace(".", "__")


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
