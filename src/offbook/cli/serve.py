"""The command `offbook serve`."""

from __future__ import annotations

import click

from offbook.cli.base_model import base_model_options, pull_named_base
from offbook.cli.command import Command


@click.command(
    cls=Command,
    epilog="Example:  offbook serve runs/hamlet --port 8000",
)
@click.argument("runs", metavar="RUN...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Serve all runs of runs/ (or OFFBOOK_RUNS), and watch it.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address; others than this need OFFBOOK_API_KEY.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port; 0 takes a free one."
)
@click.option(
    "--engine",
    default="auto",
    show_default=True,
    help="transformers, llama.cpp, vllm, openai, or the faster of the first two.",
)
@click.option("--upstream", metavar="URL", help="Server that runs the models, with --engine openai.")
@click.option(
    "--system",
    type=click.Choice(["append", "replace", "force"]),
    default="append",
    show_default=True,
    help="A client's system prompt comes after the character's own, replaces it, or is ignored.",
)
@click.option(
    "--allow-host", multiple=True, metavar="NAME", help="Another name of this server, as behind a proxy; repeatable."
)
@click.option(
    "--allow-origin",
    multiple=True,
    metavar="URL",
    help="A website that may use the server from a browser; repeatable.",
)
@click.option(
    "--idle",
    type=click.FloatRange(min=0, min_open=True),
    metavar="MINUTES",
    help="End when nobody has asked for a reply for so long.",
)
@base_model_options
@click.option("--template", metavar="NAME", help="A built-in chat template, for a bare adapter whose base has none.")
def command(
    runs: tuple[str, ...],
    base_model: str | None,
    yes: bool,
    **options: object,
) -> None:
    """Serve one character or many: OpenAI's API under /v1, and a chat page at /.

    RUN is a run folder, its name, a bare PEFT adapter folder, or a folder of runs, which is watched: characters come,
    are replaced and go with their runs. Each base model is in memory once; a request's `model` says who answers.

    It listens on this computer alone. To let others in, set the environment variable OFFBOOK_API_KEY to a secret that
    they have to show, and name an address with --host.
    """
    from offbook.cli.progress_bar import reporting
    from offbook.server.run_folders import is_folder_of_runs
    from offbook.server.serving import serve

    for run in runs:
        if not is_folder_of_runs(run):
            pull_named_base(run, base_model, yes=yes)
    with reporting() as reporter:
        serve(runs, base_model=base_model, reporter=reporter, **options)  # type: ignore[arg-type]
