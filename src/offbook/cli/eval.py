"""offbook eval"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from offbook.cli.command import Command
from offbook.cli.options import json_option, print_json


@click.command(cls=Command, epilog="Example:  offbook eval runs/hamlet")
@click.argument("run")
@click.option("--data", type=click.Path(path_type=Path), help="Judge on these rows instead of the run's held-out ones.")
@click.option("--prompts", type=click.IntRange(min=1), help="How many held-out prompts both models answer [the run's].")
@click.option("--gate", is_flag=True, help="Exit with 3 where the verdict's own bounds are missed.")
@click.option("--bound", multiple=True, metavar="NAME<=NUMBER", help="A bound of your own: 'forgetting.kl<=0.3'.")
@click.option("--lang", type=click.Choice(["en", "zh"]), help="Of verdict and page [the run's].")
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
    from offbook.evaluation.thresholds import DEFAULT_BOUNDS, Bound
    from offbook.pipeline import evaluating

    bounds = [Bound.parse(text) for text in (*(DEFAULT_BOUNDS if gate else ()), *bound)]
    with reporting() as reporter:
        card = evaluating.evaluate(run, data=data, prompts=prompts, lang=lang, reporter=reporter)
    if as_json:
        print_json(card)
    else:
        _show(card)
        click.echo(f"\nThe whole verdict: {find_run(run).report}")
    evaluating.check_gate(card, bounds)


def _show(card: dict[str, Any]) -> None:
    click.secho(card["headline"], bold=True)
    for finding in card["verdict"]:
        click.echo(f"- {finding['text']}")
        if finding["option"]:
            click.echo(f"    {finding['option']}")
