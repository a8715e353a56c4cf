"""The command `offbook completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from offbook.cli.command import Command


@click.command(
    cls=Command,
    epilog="""Example:  echo 'eval "$(offbook completion bash)"' >> ~/.bashrc""",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that completes commands and options in SHELL."""
    from offbook.cli.main import group

    complete = get_completion_class(shell)
    assert complete is not None
    click.echo(complete(group, {}, "offbook", "_OFFBOOK_COMPLETE").source())
