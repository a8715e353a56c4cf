"""make demo: the whole job on an embedded default, in a few minutes."""

from __future__ import annotations

import time

import click

from offbook.cli.echo import echo
from offbook.cli.init import create
from offbook.cli.main import main
from offbook.cli.progress_bar import reporting
from offbook.core.rundir import RunDir, runs_root
from offbook.core.shell import offbook_command

NAME = "hamlet"


@click.command()
def demo() -> None:
    """Train Hamlet with the recipe that ships, and show what came of it."""
    run = RunDir(runs_root() / NAME)
    if run.finished:
        echo(f"The demo's run is there: {run.path}\n  talk to it   {offbook_command('chat', run.path)}")
        echo(f"  start over   {offbook_command('runs', 'rm', run.path)} && make demo")
        return
    folder = runs_root() / f".{NAME}"
    settings = folder / "run.yaml"
    if not settings.exists():
        with reporting() as reporter:
            create(folder, NAME, reporter)
    began = time.monotonic()
    try:
        main(["train", "-c", str(settings), "--name", NAME, "--resume", "--processes", "auto"])
    finally:
        echo(f"took {(time.monotonic() - began) / 60:.1f} minutes", err=True)


if __name__ == "__main__":
    demo.main(standalone_mode=True, prog_name="make demo")
