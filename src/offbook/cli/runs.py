"""The command `offbook runs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from offbook.cli.command import Group
from offbook.cli.echo import echo, printable
from offbook.cli.json_output import json_option, print_json
from offbook.core.config.yaml_file import read_settings
from offbook.core.i18n import language, languages, translate
from offbook.core.json_file import read_or_empty
from offbook.core.progress import fill
from offbook.core.run_lock import remove
from offbook.core.rundir import find_run, list_runs
from offbook.core.shell import offbook_command

if TYPE_CHECKING:
    from offbook.evaluation.comparison import ComparedValue


@click.group(cls=Group, invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """List, show, compare and remove runs (in runs/, or where OFFBOOK_RUNS points)."""
    if context.invoked_subcommand is None:
        context.invoke(list_)


@command.command(name="list")
@json_option
def list_(as_json: bool = False) -> None:
    """Print every run with its state and its held-out loss, newest first."""
    from offbook.cli.run_summary import run_summary, show_runs
    from offbook.cli.terminal import console

    summaries = [run_summary(run) for run in list_runs()]
    if as_json:
        print_json({"runs": summaries})
        return
    out = console(stderr=False)
    if summaries:
        show_runs(out, summaries)
        return
    start = offbook_command("init", "hamlet", "--recipe", "hamlet")
    out.print(fill("No runs yet. Start one:  {command}", {"command": start}), soft_wrap=True)


@command.command()
@click.argument("run")
@json_option
def show(run: str, as_json: bool) -> None:
    """Print what is known about RUN: state, losses, settings that are not the defaults, samples, files."""
    from offbook.cli.run_summary import run_summary, show_facts
    from offbook.cli.tables import show_ending
    from offbook.cli.terminal import console

    chosen = find_run(run)
    summary = run_summary(chosen)
    if as_json:
        print_json(
            {**summary, "samples": read_or_empty(chosen.samples, list), "config": read_settings(chosen.config).tree}
        )
        return
    out = console(stderr=False)
    show_facts(out, chosen, summary)
    if chosen.finished and chosen.samples.is_file():
        show_ending(out, chosen)
    elif summary["status"] == "deleting":
        out.print(fill("Next:  {command}", {"command": offbook_command("runs", "rm", chosen.path)}), soft_wrap=True)
    elif not chosen.running:
        resume = offbook_command("train", "-c", chosen.config, "--resume")
        out.print(fill("Next:  {command}", {"command": resume}), soft_wrap=True)


@command.command()
@click.argument("runs", nargs=-1, required=True)
@click.option("--lang", type=click.Choice(languages()), help="Of the titles. [default: that of the messages]")
@json_option
def compare(runs: tuple[str, ...], lang: str | None, as_json: bool) -> None:
    """Print the figures of evaluated RUNS side by side, with the paired difference from the first."""
    from rich.table import Table

    from offbook.cli.run_summary import NOT_COMPARABLE, comparable, run_summary
    from offbook.cli.terminal import console
    from offbook.pipeline.comparing import compare_runs

    comparison = compare_runs(runs, lang or language())
    summaries = [run_summary(find_run(name)) for name in runs]
    if as_json:
        characters = [summary["character"] for summary in summaries]
        print_json({**comparison.to_json(), "characters": characters, "comparable": comparable(summaries)})
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("", *comparison.runs):
        table.add_column(title, overflow="fold")
    table.add_row(translate("character"), *(summary["character"] or "" for summary in summaries))
    table.add_row(translate("changed"), *(summary["changed"].replace("T", " ")[:16] for summary in summaries))
    for metric in comparison.metrics:
        table.add_row(metric.title, *(_value(run) for run in metric.runs))
    out = console(stderr=False)
    out.print(table)
    out.print(translate("In brackets the difference from the first run; * where it is more than chance."), style="dim")
    if not comparable(summaries):
        out.print(translate(NOT_COMPARABLE), style="dim")


@command.command()
@click.argument("run")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def rm(run: str, yes: bool) -> None:
    """Delete RUN with everything that it wrote."""
    chosen = find_run(run)
    if not yes:
        state = translate(chosen.status)
        question = fill("Delete {path} ({state})?", {"path": chosen.path, "state": state})
        click.confirm(printable(question), abort=True, err=True)
    left = remove(chosen)
    if left:
        names = ", ".join(path.name for path in left)
        echo(fill("Not the run's own, so it stays in {path}: {names}", {"path": chosen.path, "names": names}), err=True)


def _value(run: ComparedValue) -> str:
    """A value, and behind it how far it lies from the first run's: * where that is more than chance."""
    if run.value is None:
        return "–"
    apart = "" if run.difference is None else f" ({run.difference:+.3f}{'*' if run.significant else ''})"
    return f"{run.value:.3f}{apart}"
