"""The command `offbook push`."""

from __future__ import annotations

import click

from offbook.cli.command import Command
from offbook.cli.echo import echo
from offbook.cli.json_output import json_option, print_json


@click.command(
    cls=Command,
    epilog="Example:  offbook push runs/hamlet hf:ME/hamlet",
)
@click.argument("run")
@click.argument("target")
@click.option(
    "--what", default="adapter", show_default=True, metavar="WHAT", help="adapter, or an export: merged, gguf, ollama."
)
@click.option("--quant", metavar="NAME", help="The export's number format, where there are several.")
@click.option("--public", is_flag=True, help="Let everybody see the repository. Without it, only its owner does.")
@click.option("--base-model", metavar="SOURCE", help="Where the base model lies now (as in model.source).")
@json_option
def command(
    run: str, target: str, what: str, quant: str | None, public: bool, base_model: str | None, as_json: bool
) -> None:
    """Put the character of RUN on a hub, with a card: what it is made of, how it was judged, how it is run.

    TARGET is ms:ORG/NAME (ModelScope) or hf:ORG/NAME (Hugging Face). The token is the one that `modelscope login` or
    `hf auth login` has stored. A repository that holds something else is left alone, and so is an export that is not
    equal to the adapter. A push that broke is gone on with.
    """
    from offbook.cli.progress_bar import reporting
    from offbook.pipeline import api

    with reporting() as reporter:
        page = api.push(
            run, target, what=what, quant=quant, private=not public, base_model=base_model, reporter=reporter
        )
    if as_json:
        print_json({"page": page, "what": what, "private": not public})
    else:
        echo(page)
