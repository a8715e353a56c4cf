"""Tables and pictures in text: the plan of a run, what check found, how a run ended."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from offbook.cli.terminal import clock, quoted
from offbook.core import metrics_log
from offbook.core.rundir import RunDir
from offbook.core.sequences import histogram
from offbook.core.text import format_bytes


def show_plan(out: Console, job: Any, report: dict[str, Any]) -> None:
    """Print what is about to be trained, before the first step."""
    config = job.config
    lora, train = config.lora, config.train
    table = _plain_table()
    table.add_row("character", config.persona.name)
    table.add_row("system prompt", config.persona.system or "(none)")
    table.add_row("model", f"{config.model.source}, {report['parameters']:,} parameters, {job.model.dtype}")
    table.add_row(
        "adapter",
        f"LoRA rank {lora.rank}, alpha {lora.alpha:g}, dropout {lora.dropout:g}: "
        f"{report['trainable_parameters']:,} trainable "
        f"({report['trainable_parameters'] / report['parameters']:.2%})",
    )
    replay = f" ({report['replay_rows']} of them replayed general rows)" if report["replay_rows"] else ""
    table.add_row("data", f"{len(job.dataset.train)} rows for training{replay}, {report['heldout_rows']} held out")
    table.add_row(
        "steps",
        f"{report['steps']} of {train.batch_size} examples, {train.epochs:g} epochs, "
        f"learning rate {train.learning_rate:g}",
    )
    stop_token = report["stop"]
    table.add_row("stop token", f"{stop_token['token']} ({'verified' if stop_token['proved'] else 'NOT VERIFIED'})")
    expected = report["estimate"]
    parts = ", ".join(f"{name} {clock(seconds)}" for name, seconds in expected["parts"].items() if seconds)
    table.add_row(
        "time",
        f"{clock(expected['low'])} to {clock(expected['high'])} on this machine, as busy as it is now\n({parts})",
    )
    table.add_row("memory", f"{format_bytes(expected['peak_bytes'])} at most")
    table.add_row("disk", f"{format_bytes(report['disk_bytes'])} at most")
    out.print(table)
    for note in report["notes"]:
        out.print(f"Note: {note}", soft_wrap=True)


def show_check(out: Console, job: Any, report: dict[str, Any]) -> None:
    """Print all of check: the plan, the findings, the lengths, and one row as the model will see it."""
    show_plan(out, job, report)
    show_data(out, report)
    out.print("\nTokens per training sequence", style="bold")
    out.print(_histogram(report["lengths"], job.config.data.max_length))
    share = report["label_tokens"] / report["tokens"]
    out.print(f"{report['tokens']:,} tokens, {report['label_tokens']:,} of them learned ({share:.0%})")
    if report["truncated"]:
        out.print(f"{report['truncated']} sequences are too long and lose their oldest turns (--data.max_length)")
    out.print("\nThe first row; what is learned is marked [like this]", style="bold")
    out.print(_masked(report["first_row"]))


def show_data(out: Console, report: dict[str, Any]) -> None:
    """Print what check found in rows and split."""
    out.print(f"{report['rows']} rows: {report['verdict']}", style="bold", soft_wrap=True)
    for finding in report["findings"]:
        _show_finding(out, finding)
    out.print(
        f"{report['heldout_rows']} rows held out; left out of both, because they resemble one: {report['dropped']}",
        soft_wrap=True,
    )
    if report["leak"]:
        near = {name: report["leak"][name]["near"] for name in ("split", "random")}
        out.print(
            f"held-out rows with a near-duplicate in training: {near['split']} (a random split: {near['random']})",
            soft_wrap=True,
        )
    for reason, count in report["left_out"].items():
        out.print(f"left out: {count} {reason}", soft_wrap=True)
    for skipped in report["skipped"][:3]:
        out.print(f"skipped: {skipped}", soft_wrap=True)


def show_ending(out: Console, run: RunDir) -> None:
    """Print what came of a run: losses, samples, where things are, what to do next."""
    losses = dict(metrics_log.points(metrics_log.read(run.metrics), "heldout_loss"))
    step = json.loads(run.environment.read_text(encoding="utf-8")).get("adapter_step")
    if 0 in losses and step in losses:
        out.print(f"\nheld-out loss: {losses[0]:.4f} before, {losses[step]:.4f} after training", style="bold")
    table = Table(show_lines=True, expand=True)
    for title in ("prompt", "base", "tuned"):
        table.add_column(title, ratio=1 if title == "prompt" else 2, overflow="fold")
    for sample in json.loads(run.samples.read_text(encoding="utf-8")):
        table.add_row(*(sample[key] for key in ("prompt", "base", "tuned")))
    out.print(table)
    out.print(f"run folder   {run.path}\nloss curve   {run.loss_picture}", soft_wrap=True)
    if run.eval.is_file():
        out.print(json.loads(run.eval.read_text(encoding="utf-8"))["headline"], style="bold", soft_wrap=True)
        out.print(f"the verdict  {run.report}", soft_wrap=True)
    out.print(f"\nNext:  offbook chat {quoted(run.path)}", soft_wrap=True)


def _show_finding(out: Console, finding: dict[str, Any]) -> None:
    """A finding as a block: its lines are never cropped, so that an option in it can be copied."""
    out.print(f"- {finding['title']}: {finding['count']} rows ({finding['share']:.1%})", soft_wrap=True)
    for example in finding["examples"][:1]:
        out.print(f"    {example['origin']}  {' '.join(example['text'].split())[:60]}", style="dim", soft_wrap=True)
    out.print(f"    {finding['fix']}", soft_wrap=True)


def _histogram(lengths: list[int], limit: int, bars: int = 10, width: int = 40) -> str:
    """Lengths in equal bins up to the longest, one line a bin."""
    bins = histogram(lengths, bars)
    most = max(each.count for each in bins)
    lines = [
        f"{each.low:>6}–{each.high:<6} {'█' * round(each.count / most * width):<{width}} {each.count}" for each in bins
    ]
    return "\n".join([*lines, f"longest {max(lengths)}, limit {limit} (data.max_length)"])


def _masked(runs: list[dict[str, Any]]) -> Text:
    """A training sequence in runs of learned tokens, marked by colour and by brackets, and of others."""
    text = Text()
    for run in runs:
        text.append(
            f"[{run['text']}]" if run["learned"] else run["text"], style="bold green" if run["learned"] else "dim"
        )
    return text


def _plain_table() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    return table
