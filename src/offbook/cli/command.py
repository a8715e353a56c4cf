"""What all commands share: options in groups, `--help-all`, `--debug`, errors for renamed options, quiet libraries."""

from __future__ import annotations

import inspect
import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from offbook.cli.context import Invocation, invocation
from offbook.cli.wrapping import columns, wrap
from offbook.core.config.renamed import RENAMED
from offbook.core.errors import UsageError
from offbook.core.i18n import translate
from offbook.core.text import has_chinese

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


class FilePath(click.Path):
    """A file or folder; `~` is the home folder where the shell has left it: in quotes, or after `--out=`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path that a word names; an empty one would stand for the folder at hand."""
        if not str(value):
            self.fail(translate("the name is empty"), param, ctx)
        is_at_home = str(value) == "~" or str(value).startswith("~/")
        return super().convert(Path(value).expanduser() if is_at_home else value, param, ctx)


class Formatter(click.HelpFormatter):
    """Lays out help pages, with the punctuation of the user's language."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the usage line."""
        title = translate("Usage:")
        super().write_usage(prog, args, prefix or (title if has_chinese(title) else f"{title} "))

    def write_heading(self, heading: str) -> None:
        """Write the title of a section."""
        colon = "：" if has_chinese(heading) else ":"
        self.write(f"{'':>{self.current_indent}}{heading}{colon}\n")


class HelpContext(click.Context):
    """An invocation whose help is laid out by `Formatter`."""

    formatter_class = Formatter


class TranslatedHelp(click.Command):
    """Help pages in the user's language."""

    context_class = HelpContext

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """The words after the command's name in its usage line."""
        return [translate(piece) for piece in super().collect_usage_pieces(ctx)]

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does."""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(_in_lines(translate(help_text(self)), formatter.width - formatter.current_indent))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in groups: the command's own, then the settings."""
        for title, options in option_groups(self, everything=ctx.meta.get("help_all", False)).items():
            records = [record for option in options if (record := _translated_record(option, ctx)) is not None]
            with formatter.section(translate(title)):
                write_definitions(records, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each on a line of its own that is never broken: people copy them."""
        if self.epilog:
            title, _, lines = self.epilog.partition(":")
            with formatter.section(translate(title)):
                for example in re.split(r"\s{3,}", lines.strip()):
                    formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


class Command(TranslatedHelp):
    """A verb of the command line."""

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

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        if not invocation().debug:
            _quiet_libraries()
        return super().invoke(ctx)


class Group(TranslatedHelp, click.Group):
    """A verb with verbs of its own."""

    command_class = Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the verbs."""
        super().format_options(ctx, formatter)
        with formatter.section(translate("Commands")):
            summaries = self.summaries(ctx).items()
            write_definitions([(name, translate(summary)) for name, summary in summaries], formatter)

    def summaries(self, ctx: click.Context) -> dict[str, str]:
        """Each verb with the first paragraph of its help, in English."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        return {name: help_text(command) for name, command in commands.items() if command is not None}


def write_definitions(records: list[tuple[str, str]], formatter: click.HelpFormatter) -> None:
    """Write terms and what they mean in two columns.

    Args:
        records: (term, meaning) pairs.
        formatter: writes the page.
    """
    first = min(max((columns(term) for term, _ in records), default=0), 30) + 2
    formatter.write_dl([(term, _in_lines(meaning, formatter.width - first - 2)) for term, meaning in records])


def _in_lines(text: str, width: int) -> str:
    """A text with Chinese in it, broken into lines; click would break words of other writing in the middle."""
    if not has_chinese(text):
        return text
    paragraphs = text.split("\n\n")
    kept = [part if part.startswith("\b") else "\b\n" + "\n".join(wrap(part, width)) for part in paragraphs]
    return "\n\n".join(kept)


def help_text(command: click.Command) -> str:
    """What a command does, in English: the message that catalogues translate."""
    return inspect.cleandoc(command.help or "")


def _translated_record(option: click.Parameter, context: click.Context) -> tuple[str, str] | None:
    """An option's line in a help page: its names, and what it does in the user's language."""
    record = option.get_help_record(context)
    if record is None or not isinstance(option, click.Option):
        return None
    names, text = record
    message = option.description if isinstance(option, SettingOption) else option.help or ""
    text = text.replace(message, translate(message), 1) if message else text
    text = text.replace("[default: ", translate("[default: "), 1)
    # click has translated the word by itself, in the sense that it has in a table of bounds
    return names, text.replace(f"[{translate('required')}]", translate("[required]"), 1)


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
