"""What all commands share: `--debug`, quiet libraries."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import click

from offbook.cli.context import Invocation, invocation

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Command(click.Command):
    """A verb of the command line."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        debug_option(self)

    def invoke(self, ctx: click.Context) -> Any:
        if not invocation().debug:
            _quiet_libraries()
        return super().invoke(ctx)


class Group(click.Group):
    """A verb with verbs of its own."""

    command_class = Command


def debug_option(command: Decorated) -> Decorated:
    """Give a command `--debug`."""
    return click.option(
        "--debug",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_set_debug,
        help="Show the full traceback of an error.",
    )(command)


def _set_debug(context: click.Context, option: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Invocation).debug = True


def _quiet_libraries() -> None:
    """Silence the warnings of libraries: they speak to programmers; what a user has to know, offbook says itself."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    warnings.simplefilter("ignore")
