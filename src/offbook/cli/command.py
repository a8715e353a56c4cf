"""What all commands share: options in groups, `--help-all`, `--debug`, errors for renamed options, quiet libraries."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import click

from offbook.cli.context import Invocation, invocation
from offbook.core.config.schema import RENAMED
from offbook.core.errors import UsageError
from offbook.core.i18n import translate

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

FIRST = "Settings that matter most"
"""Title of the settings that plain `--help` shows."""


class SettingOption(click.Option):
    """An option that stands for a setting of run.yaml.

    Args:
        description: what it does, without its default.
        section: title of the group that it is shown in under `--help-all`.
        is_first: whether plain `--help` shows it, too.
    """

    def __init__(self, *args: Any, description: str, section: str, is_first: bool, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.description = description
        self.section = section
        self.is_first = is_first


class Command(click.Command):
    """A verb of the command line, with help in the user's language."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        if any(isinstance(option, SettingOption) for option in self.params):
            help_all_option(self)
        debug_option(self)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words of a call.

        Raises:
            UsageError: an option is called otherwise now.
        """
        try:
            return super().parse_args(ctx, args)
        except click.exceptions.NoSuchOption as error:
            name = error.option_name.lstrip("-")
            if name in RENAMED:
                raise UsageError("no option --{old}: it is called --{new} now", old=name, new=RENAMED[name]) from None
            raise

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does."""
        write_help_text(self, formatter)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in groups: the command's own, then the settings."""
        groups = option_groups(self, everything=ctx.meta.get("help_all", False))
        for title, options in groups.items():
            records = [record for option in options if (record := translated_record(option, ctx)) is not None]
            with formatter.section(translate(title)):
                formatter.write_dl(records)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        if not invocation().debug:
            _quiet_libraries()
        return super().invoke(ctx)


class Group(click.Group):
    """A verb with verbs of its own."""

    command_class = Command


def write_help_text(command: click.Command, formatter: click.HelpFormatter) -> None:
    """Write what a command does, in the user's language."""
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text(translate(help_text(command)))


def help_text(command: click.Command) -> str:
    """What a command does, in English: the message that catalogues translate."""
    return inspect.cleandoc(command.help or "")


def translated_record(option: click.Parameter, context: click.Context) -> tuple[str, str] | None:
    """An option's line in a help page: its names, and what it does in the user's language."""
    record = option.get_help_record(context)
    if record is None or not isinstance(option, click.Option):
        return None
    names, text = record
    message = option.description if isinstance(option, SettingOption) else option.help or ""
    return names, text.replace(message, translate(message), 1) if message else text


def option_groups(command: click.Command, *, everything: bool) -> dict[str, list[click.Parameter]]:
    """A command's options under the titles that its help shows.

    Args:
        everything: whether all settings are shown, section by section, or the first alone.
    """
    groups: dict[str, list[click.Parameter]] = {"Options": []}
    context = click.Context(command)
    for option in command.get_params(context):
        if not isinstance(option, click.Option):
            continue
        if not isinstance(option, SettingOption):
            groups["Options"].append(option)
        elif everything:
            groups.setdefault(option.section, []).append(option)
        elif option.is_first:
            groups.setdefault(FIRST, []).append(option)
    return groups


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


def help_all_option(command: Decorated) -> Decorated:
    """Give a command `--help-all`."""
    return click.option(
        "--help-all",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_all,
        help="Show this message with every setting, and exit.",
    )(command)


def _set_debug(context: click.Context, option: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Invocation).debug = True


def _show_all(context: click.Context, option: click.Parameter, value: bool) -> None:
    if value:
        context.meta["help_all"] = True
        click.echo(context.get_help())
        context.exit()


def _quiet_libraries() -> None:
    """Silence the warnings of libraries: they speak to programmers; what a user has to know, offbook says itself."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    warnings.simplefilter("ignore")
