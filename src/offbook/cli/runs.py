"""offbook runs"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from offbook.cli.command import Group
from offbook.cli.options import json_option, print_json
from offbook.core.config.yaml_file import read_settings
from offbook.core.errors import UsageError
from offbook.core.run_lock import remove
from offbook.core.rundir import RunDir, find_run, list_runs

if TYPE_CHECKING:
    from offbook.evaluation.comparison import ComparedValue

DAMAGED = "(run.yaml is damaged)"


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
    from rich.table import Table

    from offbook.cli.terminal import console

    rows = [run_summary(run) for run in list_runs()]
    if as_json:
        print_json({"runs": rows})
        return
    table = Table("run", "state", "steps", "held-out loss", "model", box=None, header_style="bold")
    for row in rows:
        table.add_row(row["name"], row["status"], str(row["step"]), _fall(row["heldout_loss"]), row["model"] or DAMAGED)
    console(stderr=False).print(table if rows else "No runs yet. Start one: offbook init DIR --recipe hamlet")


@command.command()
@click.argument("run")
@json_option
def show(run: str, as_json: bool) -> None:
    """Print what is known about RUN: settings, losses, samples, files."""
    import json

    from offbook.cli.tables import show_ending
    from offbook.cli.terminal import console

    found = find_run(run)
    if as_json:
        samples = json.loads(found.samples.read_text(encoding="utf-8")) if found.samples.is_file() else []
        print_json({**run_summary(found), "samples": samples, "config": read_settings(found.config).tree})
        return
    click.echo(found.config.read_text(encoding="utf-8"))
    if found.running:
        click.echo("running")
    elif found.finished:
        show_ending(console(stderr=False), found)
    else:
        click.echo(f"{found.status}; go on with: offbook train -c {found.config} --resume")


@command.command()
@click.argument("runs", nargs=-1, required=True)
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Of the titles.")
@json_option
def compare(runs: tuple[str, ...], lang: str, as_json: bool) -> None:
    """Print the figures of evaluated RUNS side by side, with the paired difference from the first."""
    from rich.table import Table

    from offbook.cli.terminal import console
    from offbook.pipeline import evaluating

    found = evaluating.compare_runs(runs, lang)
    if as_json:
        print_json(found.to_json())
        return
    table = Table("", *found.runs, box=None, header_style="bold")
    for metric in found.metrics:
        table.add_row(metric.title, *(_value(run) for run in metric.runs))
    console(stderr=False).print(table)


@command.command()
@click.argument("run")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def rm(run: str, yes: bool) -> None:
    """Delete RUN with everything that it wrote."""
    found = find_run(run)
    if not yes:
        click.confirm(f"Delete {found.path} ({found.status})?", abort=True, err=True)
    left = remove(found)
    if left:
        names = ", ".join(path.name for path in left)
        click.echo(f"Not the run's own, so it stays in {found.path}: {names}", err=True)


def run_summary(run: RunDir) -> dict[str, Any]:
    """What a run amounts to, for `--json`: name, path, status, step, first and last held-out loss, base model."""
    from offbook.core.metrics_log import read

    lines = read(run.metrics)
    losses = [line["heldout_loss"] for line in lines if line.get("heldout_loss") is not None]
    model = _model(run)
    return {
        "name": run.name,
        "path": str(run.path),
        "status": "faulty" if model is None else run.status,
        "step": lines[-1]["step"] if lines else 0,
        "heldout_loss": [losses[0], losses[-1]] if losses else None,
        "model": model,
    }


def _model(run: RunDir) -> str | None:
    """The base model's source; None where run.yaml does not say it."""
    try:
        return str(read_settings(run.config).tree["model"]["source"])
    except (UsageError, KeyError, TypeError):
        return None


def _fall(losses: list[float] | None) -> str:
    return f"{losses[0]:.3f} → {losses[1]:.3f}" if losses else ""


def _value(run: ComparedValue) -> str:
    """A value, and behind it how far it lies from the first run's: * where that is more than chance."""
    if run.value is None:
        return "–"
    apart = "" if run.difference is None else f" ({run.difference:+.3f}{'*' if run.clear else ''})"
    return f"{run.value:.3f}{apart}"
