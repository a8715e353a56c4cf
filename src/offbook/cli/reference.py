"""The reference page of every command and every setting, as Markdown: python -m offbook.cli.reference > FILE."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator

import click

from offbook.cli.command import SettingOption
from offbook.cli.main import group
from offbook.cli.options import describe, shown_default
from offbook.core.config import loading, schema


def page() -> str:
    """The page, made from the commands and the fields of the config."""
    parts = [
        "# Reference",
        "Every command and every setting. This page is made from the code: `python -m offbook.cli.reference`.",
        "## Commands",
        *(part for path, command in commands() for part in _command(path, command)),
        "## Settings",
        "A setting stands in `run.yaml` under its section (`train:`, then `epochs: 1` indented below it), or on the "
        "command line of `check`, `train` and `prove` (`--train.epochs 1`), which overrides the file.",
        *_settings(),
    ]
    return "\n\n".join(parts) + "\n"


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command with the words that call it, in the order of `offbook --help`."""
    context = click.Context(group, info_name="offbook")
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"offbook {name}", command
        if isinstance(command, click.Group):
            for inner, subcommand in command.commands.items():
                yield f"offbook {name} {inner}", subcommand


def _command(path: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=path)
    arguments = [piece for piece in command.collect_usage_pieces(context) if piece]
    yield f"### {path}"
    yield f"`{' '.join([path, *arguments])}`"
    yield from map(_paragraph, inspect.cleandoc(command.help or "").split("\n\n"))
    options = [option for option in command.get_params(context) if isinstance(option, click.Option)]
    rows = [record for option in options if not isinstance(option, SettingOption) for record in _row(option, context)]
    if rows:
        yield "\n".join(["| option | what it does |", "| --- | --- |", *rows])
    if any(isinstance(option, SettingOption) for option in options):
        yield "And every [setting](#settings)."
    if command.epilog:
        examples = command.epilog.removeprefix("Examples:").removeprefix("Example:").split("   ")
        yield "\n".join(["```text", *(example.strip() for example in examples if example.strip()), "```"])


def _paragraph(text: str) -> str:
    """A paragraph of a help text; one that click must not wrap (it begins with a backspace) is code."""
    return f"```text\n{inspect.cleandoc(text[2:])}\n```" if text.startswith("\b\n") else text


def _row(option: click.Option, context: click.Context) -> Iterator[str]:
    record = option.get_help_record(context)
    if record is not None and "--help" not in option.opts:
        yield f"| `{_cell(record[0])}` | {_cell(record[1])} |"


def _settings() -> Iterator[str]:
    sections: dict[str, list[str]] = {}
    for name, field in schema.options():
        default = shown_default(field)
        row = f"| `{name}` | {_cell(loading.type_name(field))} | {_cell(default)} | {_cell(describe(field))} |"
        sections.setdefault(name.rpartition(".")[0] or "run", []).append(row)
    for section, rows in sections.items():
        yield f"### {section}"
        yield "\n".join(["| setting | type | default | what it does |", "| --- | --- | --- | --- |", *rows])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
