"""offbook check"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from offbook.cli.options import config_options, json_option, print_json, warn_of_placeholders
from offbook.core.config.schema import DataConfig, RunConfig


@click.command(
    short_help="Look at data, model and settings before training.",
    epilog="Examples:  offbook check -c zhenhuan/run.yaml   offbook check --data lines.jsonl",
)
@click.option(
    "--data", multiple=True, metavar="FILE", help="Look at the rows of these files alone: no model is needed."
)
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write what was found as a page, too.")
@json_option
@config_options
def command(config: RunConfig, data: tuple[str, ...], html: Path | None, as_json: bool) -> None:
    """Say everything that can be known before training: the rows and what is wrong with them, what will be learned,
    how big and how long the run will be, and whether the character will stop talking. Writes nothing else."""
    from offbook.cli.progress_bar import console, reporter
    from offbook.cli.tables import show_check, show_data
    from offbook.pipeline import checking

    out = console(stderr=False)
    if data:
        known = checking.check_data(config)
        if not as_json:
            show_data(out, known)
    else:
        warn_of_placeholders(config)
        show = None if as_json else lambda job, found: show_check(out, job, found)
        known = checking.check(config, reporter=reporter(), show=show)
    _warn_of_share(known, config.data)
    if html is not None:
        _write_page(html, known, config)
    if as_json:
        print_json(known)


def _warn_of_share(known: dict[str, Any], data: DataConfig) -> None:
    """Say if far more is held out than was asked for: of few scenes each is a large share."""
    rows, heldout = known["rows"], known["heldout_rows"]
    if data.heldout_source is None and heldout > 2 * data.heldout * rows + 1:
        click.echo(
            f"Warning: {heldout} of {rows} rows ({heldout / rows:.0%}) are held out though data.heldout asks for "
            f"{data.heldout:.0%}: a scene (or all answers to a prompt) is held out whole, and there are few.\n"
            "  Draw anew with --data.seed 1 (2, 3 …), judge on a file of yours with --data.heldout_source FILE, or "
            "hold out nothing with --data.heldout 0.",
            err=True,
        )


def _write_page(path: Path, known: dict[str, Any], config: RunConfig) -> None:
    from offbook.core.atomic import atomic_write_text
    from offbook.data.html_report import render

    atomic_write_text(path, render(known, title=f"{config.persona.name}: {config.name}"))
    click.echo(f"Wrote {path}", err=True)
