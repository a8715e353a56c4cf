"""`--json`: one JSON object on standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from offbook.cli.context import Invocation
from offbook.cli.echo import json_line


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--json`: one JSON object on standard output, everything else on standard error."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        is_eager=True,
        callback=_set_json,
        help="Print one JSON object; progress goes to standard error, one JSON object a line.",
    )(function)


def _set_json(context: click.Context, option: click.Parameter, value: bool) -> bool:
    if value:
        context.ensure_object(Invocation).as_json = True
    return value


def print_json(value: Any) -> None:
    """Print the one JSON object of a `--json` command."""
    sys.stdout.write(json_line(value))
