"""The command `offbook export`."""

from __future__ import annotations

from pathlib import Path

import click

from offbook.cli.base_model import base_model_options, pull_named_base
from offbook.cli.command import Command, FilePath
from offbook.cli.echo import echo
from offbook.cli.json_output import json_option, print_json
from offbook.core.progress import fill


@click.command(
    cls=Command,
    epilog="Example:  offbook export runs/hamlet --to gguf --quant q8_0",
)
@click.argument("run")
@click.option("--to", required=True, metavar="FORMAT", help="merged, gguf, ollama, or lora (the adapter as a GGUF).")
@click.option(
    "--quant",
    metavar="NAME",
    help="Numbers. merged: f32, bf16, f16; gguf, ollama: q8_0, q4_k_m, f16; lora: f16, q8_0, q4_k_m. [the first]",
)
@click.option(
    "--out",
    type=FilePath(path_type=Path),
    metavar="PATH",
    help="The folder to write. [export/FORMAT-QUANT in the run]",
)
@base_model_options
@click.option("--template", metavar="NAME", help="A built-in chat template, for a bare adapter whose base has none.")
@json_option
def command(
    run: str,
    to: str,
    quant: str | None,
    out: Path | None,
    base_model: str | None,
    yes: bool,
    template: str | None,
    as_json: bool,
) -> None:
    """Write the character of RUN for other programs, and prove that the copy is the original.

    A copy that is not close enough to the original is kept under another name, and the exit code is 3.
    """
    from offbook.cli.progress_bar import reporting
    from offbook.cli.terminal import console
    from offbook.pipeline import api

    pull_named_base(run, base_model, yes=yes)
    with reporting() as reporter:
        done = api.export(run, to, quant=quant, out=out, base_model=base_model, template=template, reporter=reporter)
    if as_json:
        print_json(
            {
                "path": str(done.path),
                "format": done.format,
                "quant": done.quant,
                "parity": done.parity.as_dict(),
                "notes": done.notes,
            }
        )
        return
    for note in done.notes:
        console().print(note, style="yellow")
    parity = done.parity
    echo(f"{done.path}")
    echo(
        fill(
            "  equal to the original at {positions} positions: KL {kl:.2g} nats, the same likeliest "
            "token at {share:.1f} %",
            {"positions": parity.positions, "kl": parity.kl, "share": 100 * parity.top1},
        )
    )
    echo(fill("  how to run it: {card}", {"card": done.path / "MODEL_CARD.md"}))
