"""The command `offbook eval`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from offbook.cli.command import Command, FilePath
from offbook.cli.echo import echo
from offbook.cli.json_output import json_option, print_json
from offbook.core.i18n import languages
from offbook.core.progress import fill

if TYPE_CHECKING:
    from offbook.pipeline.evaluating import Evaluation

SHOWN = 3
"""Replies to held-out prompts that are shown where the character has no sample prompts."""


@click.command(cls=Command, epilog="Example:  offbook eval runs/hamlet")
@click.argument("run")
@click.option(
    "--data",
    type=FilePath(path_type=Path),
    metavar="PATH",
    help="Judge on these rows instead of the run's held-out ones.",
)
@click.option("--prompts", type=click.IntRange(min=1), help="How many held-out prompts both models answer [the run's].")
@click.option("--gate", is_flag=True, help="Exit with 3 where the verdict's own bounds are missed.")
@click.option("--bound", multiple=True, metavar="NAME<=NUMBER", help="A bound of your own: 'forgetting.kl<=0.3'.")
@click.option("--lang", type=click.Choice(languages()), help="Of verdict and page [the run's].")
@json_option
def command(
    run: str,
    data: Path | None,
    prompts: int | None,
    gate: bool,
    bound: tuple[str, ...],
    lang: str | None,
    as_json: bool,
) -> None:
    """Say whether the tuned model of RUN is better than its base, at what, and at what price.

    Writes eval.json and report.html into the run's folder.
    """
    from offbook.cli.progress_bar import reporting
    from offbook.core.rundir import find_run
    from offbook.evaluation.thresholds import DEFAULT_BOUNDS, Bound, check_bounds
    from offbook.pipeline import api

    bounds = [Bound.parse(text) for text in (*(DEFAULT_BOUNDS if gate else ()), *bound)]
    with reporting() as reporter:
        evaluation = api.evaluate(run, data=data, prompts=prompts, lang=lang, reporter=reporter)
    if as_json:
        print_json(evaluation.to_json())
    else:
        _show(evaluation)
        echo(fill("\nThe full report: {report}", {"report": find_run(run).report}))
    check_bounds(evaluation.card, bounds)


def _show(evaluation: Evaluation) -> None:
    """The verdict in a line, what the character says, and the findings."""
    card, verdict = evaluation.card, evaluation.verdict
    echo(verdict.headline, bold=True)
    for reply in card.sample_replies or card.replies[:SHOWN]:
        echo(f"\n{reply.prompt}\n  {card.about.character}: {reply.tuned.text.strip() or '…'}")
    echo()
    for finding in verdict.findings:
        echo(f"- {finding.text}")
        if finding.option:
            echo(f"    {finding.option}")
