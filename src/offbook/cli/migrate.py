"""The command `offbook migrate`."""

from __future__ import annotations

from pathlib import Path

import click

from offbook.cli.command import Command, FilePath
from offbook.cli.echo import echo
from offbook.core.i18n import translate
from offbook.core.progress import fill


@click.command(
    cls=Command,
    epilog="Example:  offbook migrate llamafactory/qwen_lora_sft.yaml > run.yaml",
)
@click.argument("file", type=FilePath(path_type=Path))
def command(file: Path) -> None:
    """Write a run.yaml from another tool's config, on standard output.

    FILE is a config of LLaMA-Factory, ms-swift, axolotl, xtuner, WeClone, Firefly or TRL, a shell script that calls
    one of them, or a training script, notebook or page (transformers and peft, trl, unsloth). Standard error says of
    each setting whether it was taken, changed or left out, and why. The file is read as text; nothing of it is run.
    """
    from offbook.pipeline.migration.migrating import migrate

    migration = migrate(file)
    echo(fill("These are the settings of {tool}.", {"tool": translate(migration.tool)}), err=True)
    for note in migration.taken:
        echo(fill("Taken:    {note}", {"note": note}), err=True)
    for note in migration.changed:
        echo(fill("Changed:  {note}", {"note": note}), err=True)
    for note in migration.left_out:
        echo(fill("Left out: {note}", {"note": note}), err=True)
    echo(migration.text, nl=False)
    echo(translate("Next: write the character's name and prompt into it, then  offbook check -c run.yaml"), err=True)
