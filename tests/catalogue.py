"""The catalogues of messages, brought up to date with the code: python tests/catalogue.py

Messages come from the calls that show them (reporters, errors, `translate`) and from the help of every command.
"""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
from babel.messages import Catalog
from babel.messages.extract import extract, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from offbook.cli.command import SettingOption, help_text, option_groups
from offbook.cli.main import VERBS, group
from offbook.cli.reference import commands
from offbook.core.config.errors import SHOULD
from offbook.core.i18n import DOMAIN, LOCALES
from offbook.data.checks import CHECKS
from offbook.data.extract.formats import EXTRACTORS
from offbook.data.messages import sentences as data_sentences
from offbook.evaluation.messages import sentences as evaluation_sentences
from offbook.evaluation.metrics import REPORTED
from offbook.pipeline.sweep import page as sweep_page

SOURCE = Path(__file__).resolve().parents[1] / "src" / "offbook"
CALLS = ("translate", "marked", "fill", "info", "warning", "stage")
ERRORS = (
    *("OffbookError", "UsageError", "GateMissed", "Stopped", "BrokenDocumentError"),
    *("NotFound", "Conflict", "TooLarge", "TooSlow"),
)
ROW_ERRORS = ("RowError", "ColumnsError", "LeftOut")
CLICK = (
    "Usage:",
    "Options",
    "[OPTIONS]",
    "COMMAND [ARGS]...",
    "[COMMAND] [ARGS]...",
    "Commands",
    "Example",
    "Examples",
    "Start here, in a browser or in the terminal",
    "[default: ",
    "[required]",
    "Show this message and exit.",
    "Show the version and exit.",
    "Error: {message}",
    "Try '{command} {option}' for help.",
    "No such option {name!r}.",
    "No such command {name!r}.",
    "Missing argument",
    "Missing option",
    "default: {default}",
    "Missing command.",
    "Choose from:\n\t{choices}",
    "Invalid value: {message}",
    "Invalid value for {param_hint}: {message}",
    "{value!r} is not a valid {number_type}.",
    "{value} is not in the range {range}.",
    "{value!r} is not a valid boolean. Recognized values: {states}",
    "{name} {filename!r} does not exist.",
    "{name} {filename!r} is a file.",
    "{name} {filename!r} is a directory.",
    "{name} {filename!r} is not readable.",
    "file",
    "directory",
    "path",
    "Option {name!r} does not take a value.",
    "Could not open file {filename!r}: {message}",
    "Aborted!",
)
"""Words of click's own help pages and errors."""
CLICK_PLURALS = (
    ("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)"),
    ("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})"),
    ("Option {name!r} requires an argument.", "Option {name!r} requires {nargs} arguments."),
    ("{value!r} is not {choice}.", "{value!r} is not one of {choices}."),
)
"""Those that click says in one way of one thing and in another of several."""


@cache
def messages() -> tuple[str, ...]:
    """Every message, once, in the order of the code."""
    result = [*CLICK, *_extracted(SOURCE, dict.fromkeys(CALLS))]
    for argument in (1, 2):  # what happened, and how to fix it
        result += _extracted(SOURCE, dict.fromkeys(ERRORS, (argument,)))
    result += _extracted(SOURCE, dict.fromkeys(ROW_ERRORS, (1,)))
    result += [*_kinds(SOURCE), *_extracted(SOURCE, {"ParseError": (2,)}), *_extracted(SOURCE, {"ParseError": (3,)})]
    result += _in_templates(SOURCE)
    result += _leaves([evaluation_sentences(), data_sentences(), sweep_page.WORDS])
    result += [text for check in CHECKS.values() for text in (check.title, check.effect, check.fix)]
    result += [text for metric in REPORTED.values() for text in (metric.words.title, metric.words.meaning)]
    result += _extracted(SOURCE / "core" / "config", {"ValueError": (1,)})
    result += [each.description for each in EXTRACTORS.values()]
    result += [*VERBS.values(), help_text(group), *SHOULD.values()]
    for _, command in [("offbook", group), *commands()]:
        result.append(help_text(command))
        for title, options in option_groups(command, everything=True).items():
            result.append(title)
            result += [option.description if isinstance(option, SettingOption) else _help(option) for option in options]
        result += [*option_groups(command, everything=False)]
    return tuple(dict.fromkeys(text for text in result if text and not re.fullmatch(r"{\w+}", text)))


def _kinds(folder: Path) -> Iterator[str]:
    """What `lookup` says that a name stands for, its last argument."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "lookup":
                kind = node.args[-1]
                assert isinstance(kind, ast.Constant), f"{path}:{node.lineno}: a kind that no catalogue can have"
                yield str(kind.value)


def _in_templates(folder: Path) -> Iterator[str]:
    """The literal texts that templates of plain text give to `t`."""
    for path in sorted(folder.rglob("*.jinja")):
        with path.open("rb") as file:
            for _, text, _, _ in extract("jinja2.ext:babel_extract", file, keywords={"t": None}):
                yield str(text)


def _leaves(trees: Iterable[Any]) -> Iterator[str]:
    """The texts in nested dicts."""
    for tree in trees:
        if isinstance(tree, str):
            yield tree
        else:
            yield from _leaves(tree.values())


def _extracted(folder: Path, keywords: dict[str, tuple[int, ...] | None]) -> list[str]:
    """The literal texts in the calls of some functions."""
    result = extract_from_dir(folder, [("**.py", "python")], keywords=keywords)
    return [text for _, _, message, _, _ in result for text in (message if isinstance(message, tuple) else (message,))]


def _help(option: click.Parameter) -> str:
    # click's own two stand in CLICK; it keeps them in the language in which they were first shown.
    is_ours = isinstance(option, click.Option) and not {"--help", "--version"} & {*option.opts}
    return (option.help or "") if is_ours and isinstance(option, click.Option) else ""


def read(language: str) -> Catalog:
    """A language's catalogue as it is in the tree."""
    with _po(language).open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str) -> Catalog:
    """A language's catalogue with exactly the messages of the code; the translations that there are stay."""
    old = read(language)
    new = Catalog(locale=language, domain=DOMAIN, project="offbook", fuzzy=False)
    new.revision_date = old.revision_date
    new.creation_date = old.creation_date
    for text in messages():
        report = old.get(text)
        new.add(text, report.string if report is not None else "")
    for pair in CLICK_PLURALS:
        report = old.get(pair[0])
        new.add(pair, report.string if report is not None else ("",) * old.num_plurals)
    return new


def compiled(catalogue: Catalog) -> bytes:
    """A catalogue in gettext's binary form."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def _po(language: str) -> Path:
    return LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def main() -> None:
    """Rewrite the .po and .mo file of every language."""
    for path in LOCALES.glob(f"*/LC_MESSAGES/{DOMAIN}.po"):
        catalogue = updated(path.parents[1].name)
        with path.open("wb") as file:
            write_po(file, catalogue, width=118, omit_header=False)
        path.with_suffix(".mo").write_bytes(compiled(catalogue))
        missing = [message.id for message in catalogue if message.id and not all(message.string or [""])]
        print(f"{path.parents[1].name}: {len(catalogue)} messages, {len(missing)} not translated")


if __name__ == "__main__":
    main()
