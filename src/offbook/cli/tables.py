"""Tables and pictures in text: the plan of a run, what check found, how a run ended."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from offbook.cli.terminal import clock
from offbook.core import metrics_log
from offbook.core.rundir import RunDir
from offbook.core.sequences import histogram
from offbook.core.text import format_bytes


def show_plan(out: Console, job: Any, known: dict[str, Any]) -> None:
    """What is about to be trained, before the first step."""
    config = job.config
    lora, train = config.lora, config.train
    table = _plain_table()
    table.add_row("character", config.persona.name)
    table.add_row("system prompt", config.persona.system or "(none)")
    table.add_row("model", f"{config.model.source}, {known['parameters']:,} parameters, {job.model.dtype}")
    table.add_row(
        "adapter",
        f"LoRA rank {lora.rank}, alpha {lora.alpha:g}, dropout {lora.dropout:g}: "
        f"{known['trainable_parameters']:,} trainable ({known['trainable_parameters'] / known['parameters']:.2%})",
    )
    general = f" ({known['replay_rows']} of them mixed in)" if known["replay_rows"] else ""
    table.add_row("data", f"{len(job.dataset.train)} rows to learn{general}, {known['heldout_rows']} held out")
    table.add_row(
        "steps",
        f"{known['steps']} of {train.batch_size} examples, {train.epochs:g} epochs, rate {train.learning_rate:g}",
    )
    stop_token = known["stop"]
    table.add_row("a reply ends with", f"{stop_token['token']} ({'proved' if stop_token['proved'] else 'NOT PROVED'})")
    expected = known["estimate"]
    parts = ", ".join(f"{name} {clock(seconds)}" for name, seconds in expected["parts"].items() if seconds)
    table.add_row(
        "time",
        f"{clock(expected['low'])} to {clock(expected['high'])} on this machine, as busy as it is now\n({parts})",
    )
    table.add_row("memory", f"{format_bytes(expected['peak_bytes'])} at most")
    table.add_row("disk", f"{format_bytes(known['disk_bytes'])} at most")
    out.print(table)
    for note in known["notes"]:
        out.print(f"Note: {note}")


def show_check(out: Console, job: Any, known: dict[str, Any]) -> None:
    """All of check: the plan, the findings, the lengths, and one row as the model will see it."""
    show_plan(out, job, known)
    show_data(out, known)
    out.print("\nTokens per training sequence", style="bold")
    out.print(_histogram(known["lengths"], job.config.data.max_length))
    share = known["label_tokens"] / known["tokens"]
    out.print(f"{known['tokens']:,} tokens, {known['label_tokens']:,} of them learned ({share:.0%})")
    if known["truncated"]:
        out.print(f"{known['truncated']} sequences are too long and lose their oldest turns (--data.max_length)")
    out.print("\nThe first row; what is learned is marked [like this]", style="bold")
    out.print(_masked(known["first_row"]))


def show_data(out: Console, known: dict[str, Any]) -> None:
    """What check found in rows and split."""
    _findings(out, known)
    out.print(
        f"held-out rows: {known['heldout_rows']}; left out of both, because they resemble one: {known['dropped']}"
    )
    if known["leak"]:
        found = {name: known["leak"][name]["near"] for name in ("split", "random")}
        out.print(
            f"held-out rows with a near-duplicate in training: {found['split']} (a random split: {found['random']})"
        )
    for reason, count in known["left_out"].items():
        out.print(f"left out: {count} {reason}")
    for skipped in known["skipped"][:3]:
        out.print(f"skipped: {skipped}")


def show_ending(out: Console, run: RunDir) -> None:
    """What came of a run: losses, samples, where things are, what to do next."""
    lines = metrics_log.read(run.metrics)
    losses = {line["step"]: line["heldout_loss"] for line in lines if line.get("heldout_loss") is not None}
    if losses:
        step = json.loads(run.environment.read_text(encoding="utf-8"))["adapter_step"]
        out.print(f"\nheld-out loss: {losses[0]:.4f} before, {losses[step]:.4f} after training", style="bold")
    table = Table(show_lines=True, expand=True)
    for title in ("prompt", "base", "tuned"):
        table.add_column(title, ratio=1 if title == "prompt" else 2)
    for sample in json.loads(run.samples.read_text(encoding="utf-8")):
        table.add_row(*(sample[key] for key in ("prompt", "base", "tuned")))
    out.print(table)
    out.print(f"run folder   {run.path}\nloss curve   {run.loss_picture}")
    if run.eval.is_file():
        out.print(json.loads(run.eval.read_text(encoding="utf-8"))["headline"], style="bold")
        out.print(f"the verdict  {run.report}")
    out.print(f"talk to it   offbook chat {run.path}")


def _findings(out: Console, known: dict[str, Any]) -> None:
    out.print(f"{known['rows']} rows: {known['verdict']}", style="bold")
    if not known["findings"]:
        return
    table = Table(show_lines=False)
    for column in ("finding", "rows", "share", "example", "what to do"):
        table.add_column(column, justify="right" if column in ("rows", "share") else "left")
    for finding in known["findings"]:
        example = finding["examples"][0] if finding["examples"] else None
        shown = f"{example['origin']} {example['text'][:40]}" if example else ""
        table.add_row(
            finding["title"],
            str(finding["count"]),
            f"{finding['share']:.1%}",
            shown,
            finding["fix"],
        )
    out.print(table)


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
