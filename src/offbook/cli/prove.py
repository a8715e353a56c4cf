"""The command `offbook prove`."""

from __future__ import annotations

from dataclasses import asdict

import click

from offbook.cli.command import Command
from offbook.cli.echo import echo
from offbook.cli.json_output import json_option, print_json
from offbook.cli.options import config_options
from offbook.core.config.schema import RunConfig
from offbook.core.errors import GateMissed
from offbook.core.i18n import translate
from offbook.core.progress import fill


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
    from offbook.pipeline.preflight import refuse_missing

    refuse_missing(config)
    with reporting() as reporter:
        reporter.stage("Starting")
        from offbook.pipeline import checking

        proof = checking.prove(config, examples=examples, reporter=reporter)
    if as_json:
        print_json(asdict(proof))
    else:
        worst = max(proof.modules, key=lambda name: proof.modules[name])
        echo(
            fill(
                "rows compared         {examples}, in {micro_batches} micro-batches",
                {"examples": proof.examples, "micro_batches": ", ".join(map(str, proof.micro_batches))},
            )
        )
        echo(
            fill(
                "loss                  fast {fast:.7f}, plain {plain:.7f}",
                {"fast": proof.loss["fast"], "plain": proof.loss["plain"]},
            )
        )
        echo(
            fill(
                "worst gradient        {max_relative_difference:.1e} of its length ({worst})",
                {"max_relative_difference": proof.max_relative_difference, "worst": worst},
            )
        )
        if proof.rounding is not None:
            echo(
                fill(
                    "rounding              plain peft's own gradient is {rounding:.1e} from the exact one",
                    {"rounding": proof.rounding},
                )
            )
        if proof.bfloat16 is not None:
            echo(
                fill(
                    "in bfloat16           {fast:.1e} from the exact gradient; plain peft in torch's own: {plain:.1e}",
                    proof.bfloat16,
                )
            )
        echo(
            fill("rows see each other   {answer}", {"answer": translate("no") if proof.isolated else translate("YES")})
        )
    if proof.is_worse_in_bfloat16:
        raise GateMissed(
            "training in bfloat16 is less exact here than in torch's own",
            "Train with --train.compute float32, and tell us about the model.",
        )
    if not proof.passed:
        raise GateMissed(
            "fast training is not exact here: {max_relative_difference:.1e} (bound {bound:.1e})",
            "Train with --train.fast.packing false --train.fast.fused false, and tell us about the model.",
            max_relative_difference=proof.max_relative_difference,
            bound=proof.bound,
        )
    if not as_json:
        echo(translate("Fast training computes the plain gradient."))
