"""The command `offbook check`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from offbook.cli.command import Command, FilePath
from offbook.cli.json_output import json_option, print_json
from offbook.cli.options import config_options, same_settings, warn_of_placeholders
from offbook.core.config.schema import DataConfig, RunConfig
from offbook.core.progress import Reporter, fill
from offbook.core.shell import offbook_command


@click.command(
    cls=Command,
    epilog="Examples:  offbook check -c zhenhuan/run.yaml   offbook check --data lines.jsonl",
)
@click.option("--data", multiple=True, metavar="FILE", help="Check the rows of these files alone: no model is needed.")
@click.option("--html", type=FilePath(path_type=Path), metavar="FILE", help="Write the findings as a web page, too.")
@json_option
@config_options
def command(config: RunConfig, data: tuple[str, ...], html: Path | None, as_json: bool) -> None:
    """Report everything that can be known before training.

    The rows and what is wrong with them, what will be learned, how big and how long the run will be, and whether the
    character will stop talking. Writes nothing else.
    """
    from offbook.cli.progress_bar import reporting
    from offbook.cli.tables import show_check, show_data
    from offbook.cli.terminal import console
    from offbook.pipeline import api

    if html is not None:
        _check_place(html)
    out = console(stderr=False)
    with reporting() as reporter:

        def show(job: Any, report: dict[str, Any]) -> None:
            reporter.pause()
            show_check(out, job, report)

        if data:
            report = api.check_data(config, reporter=reporter)
            reporter.pause()
            if not as_json:
                show_data(out, report)
        else:
            warn_of_placeholders(config, reporter)
            report = api.check(config, reporter=reporter, show=None if as_json else show)
        _warn_of_share(report, config.data, reporter)
        if html is not None:
            _write_page(html, report, config, reporter)
    if as_json:
        print_json(report)
    elif not data:
        out.print(fill("\nNext:  {command}", {"command": same_settings("train")}), soft_wrap=True)
    else:
        begin = offbook_command("init", "FOLDER", "--recipe", "NAME")
        out.print(fill("\nNext:  {command}", {"command": begin}), soft_wrap=True)


def _warn_of_share(report: dict[str, Any], data: DataConfig, reporter: Reporter) -> None:
    """Warn if far more is held out than was asked for: of few scenes each is a large share."""
    rows, heldout = report["rows"], report["heldout_rows"]
    if data.heldout_source is None and heldout > 2 * data.heldout * rows + 1:
        reporter.warning(
            "{heldout} of {rows} rows ({share:.0%}) are held out though data.heldout asks for {wanted:.0%}: "
            "a scene (or all answers to a prompt) is held out whole, and there are few.\n"
            "  Draw again with --data.seed 1 (2, 3 …), judge on a file of yours with --data.heldout_source FILE, or "
            "hold out nothing with --data.heldout 0.",
            heldout=heldout,
            rows=rows,
            share=heldout / rows,
            wanted=data.heldout,
        )


def _check_place(html: Path) -> None:
    from offbook.core.outputs import refuse_foreign
    from offbook.data.html_report import is_page

    refuse_foreign(html, "--html", is_page)


def _write_page(path: Path, report: dict[str, Any], config: RunConfig, reporter: Reporter) -> None:
    from offbook.core.atomic import atomic_write_text
    from offbook.data.html_report import render

    atomic_write_text(path.resolve(), render(report, f"{config.persona.name}: {config.name}", config.evaluate.lang))
    reporter.info("Wrote {path}", path=path)
