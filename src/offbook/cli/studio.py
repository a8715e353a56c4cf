"""The command `offbook studio`."""

from __future__ import annotations

from pathlib import Path

import click

from offbook.cli.command import Command, FilePath


@click.command(cls=Command, epilog="Example:  offbook studio my-characters")
@click.argument("workspace", default=".", type=FilePath(path_type=Path, file_okay=False), metavar="[FOLDER]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address; others than this need OFFBOOK_API_KEY.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one. [8600, or a free one]")
@click.option(
    "--allow-host", multiple=True, metavar="NAME", help="Another name of this server, as behind a proxy; repeatable."
)
@click.option("--no-open", is_flag=True, help="Do not open the page in a browser.")
def command(workspace: Path, host: str, port: int | None, allow_host: tuple[str, ...], no_open: bool) -> None:
    """Do it all in a browser: from a text to a character that speaks.

    FOLDER [the current one] holds everything: texts, characters, runs. What the page does, a command does too, and the
    page shows it. Runs go on when the page or the studio is closed.

    It listens on this computer alone, and the printed address holds the token without which nobody gets in.
    """
    import os

    from offbook.cli.progress_bar import reporting
    from offbook.studio.http_server import run

    workspace.mkdir(parents=True, exist_ok=True)
    os.chdir(workspace)  # commands that the page shows are typed in this folder
    with reporting() as reporter:
        run(Path(), host=host, port=port, allow_host=allow_host, open_browser=not no_open, reporter=reporter)
