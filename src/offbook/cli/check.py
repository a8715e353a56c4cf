"""offbook check"""

from __future__ import annotations

import click

from offbook.cli.options import config_options, json_option, print_json
from offbook.core.config import RunConfig


@click.command(
    short_help="Look at data, model and settings before training.",
    epilog="Example:  offbook check -c zhenhuan/run.yaml",
)
@json_option
@config_options
def command(config: RunConfig, as_json: bool) -> None:
    """Say everything that can be known before training: the rows and what is wrong with them, what will be learned,
    how big and how long the run will be, and whether the character will stop talking. Writes nothing."""
    from offbook import pipeline
    from offbook.cli.screen import console, reporter
    from offbook.cli.tables import show_check

    out = console(stderr=False)
    show = None if as_json else lambda job, known: show_check(out, job, known)
    known = pipeline.check(config, reporter=reporter(), show=show)
    if as_json:
        print_json(known)
