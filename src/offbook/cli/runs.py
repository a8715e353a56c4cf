"""The command `offbook runs`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from offbook.cli.command import Group
from offbook.cli.options import json_option, print_json
from offbook.core.config.yaml_file import read_settings
from offbook.core.errors import UsageError
from offbook.core.i18n import translate
from offbook.core.progress import fill
from offbook.core.run_lock import remove
from offbook.core.rundir import RunDir, find_run, list_runs
from offbook.core.shell import offbook_command

if TYPE_CHECKING:
    from offbook.evaluation.comparison import ComparedValue

DAMAGED = "(run.yaml is damaged)"
NOT_COMPARABLE = "The losses are of different characters, on different rows: they do not compare with each other."


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
    out = console(stderr=False)
    if not rows:
        start = offbook_command("init", "hamlet", "--recipe", "hamlet")
        out.print(fill("No runs yet. Start one:  {command}", {"command": start}), soft_wrap=True)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("run", "character", "state", "changed", "steps", "held-out loss", "model"):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(
            row["name"],
            row["character"] or "",
            row["status"],
            row["changed"].replace("T", " ")[:16],
            str(row["step"]),
            _loss_change(row["heldout_loss"]),
            row["model"] or DAMAGED,
        )
    out.print(table)
    if len({row["character"] for row in rows if row["heldout_loss"]}) > 1:
        out.print(NOT_COMPARABLE, style="dim", soft_wrap=True)


@command.command()
@click.argument("run")
@json_option
def show(run: str, as_json: bool) -> None:
    """Print what is known about RUN: state, losses, samples, files, settings."""
    import json

    from offbook.cli.tables import show_ending
    from offbook.cli.terminal import console

    chosen = find_run(run)
    summary = run_summary(chosen)
    if as_json:
        samples = json.loads(chosen.samples.read_text(encoding="utf-8")) if chosen.samples.is_file() else []
        print_json({**summary, "samples": samples, "config": read_settings(chosen.config).tree})
        return
    out = console(stderr=False)
    out.print(f"{summary['name']}  {summary['status']}  {summary['changed'].replace('T', ' ')[:16]}", style="bold")
    out.print(
        fill(
            "character {character}, model {model}, {step} steps",
            {"character": summary["character"], "model": summary["model"], "step": summary["step"]},
        ),
        soft_wrap=True,
    )
    out.print(f"\n{chosen.config.read_text(encoding='utf-8')}", soft_wrap=True)
    if chosen.finished and chosen.samples.is_file():
        show_ending(out, chosen)
    elif summary["status"] == "deleting":
        out.print(fill("Next:  {command}", {"command": offbook_command("runs", "rm", chosen.path)}), soft_wrap=True)
    elif not chosen.running:
        resume = offbook_command("train", "-c", chosen.config, "--resume")
        out.print(fill("Next:  {command}", {"command": resume}), soft_wrap=True)


@command.command()
@click.argument("runs", nargs=-1, required=True)
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Of the titles.")
@json_option
def compare(runs: tuple[str, ...], lang: str, as_json: bool) -> None:
    """Print the figures of evaluated RUNS side by side, with the paired difference from the first."""
    from rich.table import Table

    from offbook.cli.terminal import console
    from offbook.pipeline import evaluating

    comparison = evaluating.compare_runs(runs, lang)
    if as_json:
        print_json(comparison.to_json())
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("", *comparison.runs):
        table.add_column(title, overflow="fold")
    for metric in comparison.metrics:
        table.add_row(metric.title, *(_value(run) for run in metric.runs))
    out = console(stderr=False)
    out.print(table)
    out.print(translate("In brackets the difference from the first run; * where it is more than chance."), style="dim")
    if len({run_summary(find_run(name))["character"] for name in runs}) > 1:
        out.print(NOT_COMPARABLE, style="dim", soft_wrap=True)


@command.command()
@click.argument("run")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def rm(run: str, yes: bool) -> None:
    """Delete RUN with everything that it wrote."""
    chosen = find_run(run)
    if not yes:
        click.confirm(f"Delete {chosen.path} ({chosen.status})?", abort=True, err=True)
    left = remove(chosen)
    if left:
        names = ", ".join(path.name for path in left)
        click.echo(
            fill("Not the run's own, so it stays in {path}: {names}", {"path": chosen.path, "names": names}), err=True
        )


def run_summary(run: RunDir) -> dict[str, Any]:
    """What a run amounts to, for `--json`.

    Returns:
        name, path, status, changed (ISO 8601, local time), step, heldout_loss (first and last), model, character; model
        is None and the status `faulty` where run.yaml does not name it.
    """
    from offbook.core.metrics_log import points, read

    lines = read(run.metrics)
    losses = [loss for _, loss in points(lines, "heldout_loss")]
    settings = _settings(run)
    model = _text(settings, "model", "source")
    moment = (run.metrics if run.metrics.is_file() else run.path).stat().st_mtime
    return {
        "name": run.name,
        "path": str(run.path),
        "status": "faulty" if model is None and run.status != "deleting" else run.status,
        "changed": datetime.fromtimestamp(moment).astimezone().isoformat(timespec="seconds"),
        "step": lines[-1]["step"] if lines else 0,
        "heldout_loss": [losses[0], losses[-1]] if losses else None,
        "model": model,
        "character": _text(settings, "persona", "name"),
    }


def _settings(run: RunDir) -> dict[str, Any]:
    """What run.yaml says; nothing where it is damaged."""
    try:
        return read_settings(run.config).tree
    except UsageError:
        return {}


def _text(settings: dict[str, Any], section: str, key: str) -> str | None:
    """One setting as text, None where the file does not hold it."""
    part = settings.get(section)
    value = part.get(key) if isinstance(part, dict) else None
    return None if value is None else str(value)


def _loss_change(losses: list[float] | None) -> str:
    return f"{losses[0]:.3f} → {losses[1]:.3f}" if losses else ""


def _value(run: ComparedValue) -> str:
    """A value, and behind it how far it lies from the first run's: * where that is more than chance."""
    if run.value is None:
        return "–"
    apart = "" if run.difference is None else f" ({run.difference:+.3f}{'*' if run.significant else ''})"
    return f"{run.value:.3f}{apart}"
