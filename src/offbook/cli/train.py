"""offbook train"""

from __future__ import annotations

import click

from offbook.cli.options import config_options, warn_of_placeholders
from offbook.core.config.schema import RunConfig


@click.command(
    short_help="Teach the model the character's lines.",
    epilog="Example:  offbook train -c zhenhuan/run.yaml --train.epochs 1",
)
@click.option("--resume", is_flag=True, help="Go on from the newest checkpoint.")
@click.option("--overwrite", is_flag=True, help="Start anew over a run that is there.")
@click.option("--allow-inexact", is_flag=True, help="Resume although data, settings or versions have changed.")
@config_options
def command(config: RunConfig, resume: bool, overwrite: bool, allow_inexact: bool) -> None:
    """Teach the model the character's lines; the run folder then holds the adapter.

    Ctrl-C finishes the step, saves and stops; --resume goes on exactly there.
    """
    from offbook.cli.progress_bar import console, reporting
    from offbook.cli.tables import show_ending, show_plan
    from offbook.pipeline import training

    warn_of_placeholders(config)
    with reporting() as reporter:
        run = training.train(
            config,
            resume=resume,
            overwrite=overwrite,
            allow_inexact=allow_inexact,
            reporter=reporter,
            show_plan=lambda job, known: show_plan(console(), job, known),
        )
    show_ending(console(stderr=False), run)
