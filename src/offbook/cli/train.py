"""The command `offbook train`."""

from __future__ import annotations

from typing import Any, Literal

import click

from offbook.cli.command import Command
from offbook.cli.json_output import json_option, print_json
from offbook.cli.options import config_options, warn_of_placeholders
from offbook.cli.run_summary import run_summary
from offbook.core.config.schema import RunConfig
from offbook.core.launch import launched


class ProcessCount(click.IntRange):
    """A number of processes, or `auto`."""

    def __init__(self) -> None:
        super().__init__(min=1)

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> Any:
        """The number, or the word."""
        return value if value == "auto" else super().convert(value, param, context)


@click.command(
    cls=Command,
    epilog="Example:  offbook train -c zhenhuan/run.yaml --train.epochs 1",
)
@click.option("--resume", is_flag=True, help="Go on from the newest checkpoint.")
@click.option("--overwrite", is_flag=True, help="Start anew over a run that is there.")
@click.option("--allow-inexact", is_flag=True, help="Resume although data, settings or versions have changed.")
@click.option(
    "--processes",
    type=ProcessCount(),
    metavar="integer|auto",
    default=1,
    help="Share each step with other processes on this machine, with the same result: a number, or auto for as many as "
    "it has cores and free memory for. torchrun and accelerate launch say it themselves.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    help="Seconds to wait for another process before giving up. Default: 600.",
)
@json_option
@config_options
def command(
    config: RunConfig,
    resume: bool,
    overwrite: bool,
    allow_inexact: bool,
    processes: int | Literal["auto"],
    timeout: float | None,
    as_json: bool,
) -> None:
    """Teach the model the character's lines; the run folder then holds the adapter.

    Ctrl-C finishes the step, saves and stops; --resume goes on exactly there.
    """
    from offbook.cli.progress_bar import reporting
    from offbook.cli.tables import show_ending, show_plan
    from offbook.cli.terminal import console
    from offbook.pipeline import api

    with reporting() as reporter:
        if not launched().rank:
            warn_of_placeholders(config, reporter)
        run = api.train(
            config,
            resume=resume,
            overwrite=overwrite,
            allow_inexact=allow_inexact,
            processes=processes,
            timeout=timeout,
            reporter=reporter,
            show_plan=lambda job, report: reporter.plan(report, lambda out: show_plan(out, job, report)),
        )
    if launched().rank:
        return  # process 0 tells of the run
    if as_json:
        print_json(run_summary(run))
    else:
        show_ending(console(stderr=False), run)
