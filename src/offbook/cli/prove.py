"""The command `offbook prove`."""

from __future__ import annotations

from dataclasses import asdict

import click

from offbook.cli.command import Command
from offbook.cli.options import config_options, json_option, print_json
from offbook.core.config.schema import RunConfig
from offbook.core.errors import GateMissed


@click.command(
    cls=Command,
    epilog="Example:  offbook prove -c hamlet/run.yaml",
)
@click.option("--examples", default=16, show_default=True, type=click.IntRange(min=2), help="So many of your rows.")
@json_option
@config_options
def command(config: RunConfig, examples: int, as_json: bool) -> None:
    """Train one step on your own rows twice, the fast way and peft's plain way, and compare every gradient.

    Exit code 3 where they differ by more than rounding does.
    """
    from offbook.cli.progress_bar import reporting
    from offbook.pipeline import checking
    from offbook.training.gradient_check import BOUND

    with reporting() as reporter:
        proof = checking.prove(config, examples=examples, reporter=reporter)
    if as_json:
        print_json(asdict(proof))
    else:
        worst = max(proof.modules, key=lambda name: proof.modules[name])
        click.echo(
            f"rows compared         {proof.examples}, in {', '.join(map(str, proof.micro_batches))} micro-batches"
        )
        click.echo(f"loss                  fast {proof.loss['fast']:.7f}, plain {proof.loss['plain']:.7f}")
        click.echo(f"worst gradient        {proof.max_relative_difference:.1e} of its length ({worst})")
        click.echo(f"rows see each other   {'no' if proof.isolated else 'YES'}")
    if not proof.passed:
        raise GateMissed(
            "fast training is not exact here: {max_relative_difference:.1e} (bound {bound:.0e})",
            "Train with --train.fast.packing false --train.fast.fused false, and tell us about the model.",
            max_relative_difference=proof.max_relative_difference,
            bound=BOUND,
        )
    if not as_json:
        click.echo("Fast training computes the plain gradient.")
