"""Tables and pictures in text: the plan of a run, what check found, how a run ended."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from offbook.cli.echo import printable
from offbook.core import metrics_log
from offbook.core.i18n import language, marked, translate
from offbook.core.json_file import read_or_empty
from offbook.core.progress import fill
from offbook.core.rundir import RunDir
from offbook.core.sequences import histogram
from offbook.core.shell import offbook_command
from offbook.core.text import clock, format_bytes
from offbook.data.messages import localized

PARTS = (marked("loading"), marked("training"), marked("samples"), marked("verdict"))
"""What the estimate is made of."""
SIDES = (marked("prompt"), marked("base"), marked("tuned"))
"""The columns of the samples."""
MOST_COLUMNS = 6
"""Columns that are not read, of which so many are named."""


def show_plan(out: Console, job: Any, report: dict[str, Any]) -> None:
    """Print what is about to be trained, before the first step."""
    config = job.config
    lora, train = config.lora, config.train
    table = _plain_table()
    table.add_row(translate("character"), config.persona.name)
    table.add_row(translate("system prompt"), config.persona.system or translate("(none)"))
    table.add_row(
        translate("model"),
        fill(
            "{source}, {parameters:,} parameters, {dtype}",
            {"source": config.model.source, "parameters": report["parameters"], "dtype": job.model.dtype},
        ),
    )
    table.add_row(
        translate("adapter"),
        fill(
            "LoRA rank {rank}, alpha {alpha:g}, dropout {dropout:g}: {trainable_parameters:,} trainable ({part:.2%})",
            {
                "rank": lora.rank,
                "alpha": lora.alpha,
                "dropout": lora.dropout,
                "trainable_parameters": report["trainable_parameters"],
                "part": report["trainable_parameters"] / report["parameters"],
            },
        ),
    )
    replay = (
        fill(" ({count} of them replayed general rows)", {"count": report["replay_rows"]})
        if report["replay_rows"]
        else ""
    )
    table.add_row(
        translate("data"),
        fill(
            "{count} rows for training{replay}, {heldout_rows} held out",
            {"count": len(job.dataset.train), "replay": replay, "heldout_rows": report["heldout_rows"]},
        ),
    )
    table.add_row(
        translate("steps"),
        fill(
            "{steps} of {batch_size} examples, {epochs:g} epochs, learning rate {learning_rate:g}",
            {
                "steps": report["steps"],
                "batch_size": train.batch_size,
                "epochs": train.epochs,
                "learning_rate": train.learning_rate,
            },
        ),
    )
    stop_token = report["stop"]
    proved = translate("verified") if stop_token["proved"] else translate("NOT VERIFIED")
    table.add_row(translate("stop token"), f"{stop_token['token']} ({proved})")
    expected = report["estimate"]
    parts = ", ".join(f"{translate(name)} {clock(seconds)}" for name, seconds in expected["parts"].items() if seconds)
    table.add_row(
        translate("time"),
        fill(
            "{low} to {high} on this machine, as busy as it is now\n({parts})",
            {"parts": parts, "low": clock(expected["low"]), "high": clock(expected["high"])},
        ),
    )
    table.add_row(
        translate("memory"), fill("{peak_bytes} at most", {"peak_bytes": format_bytes(expected["peak_bytes"])})
    )
    table.add_row(translate("disk"), fill("{disk_bytes} at most", {"disk_bytes": format_bytes(report["disk_bytes"])}))
    out.print(table)
    for note in report["notes"]:
        out.print(fill("Note: {note}", {"note": note}), soft_wrap=True)


def show_check(out: Console, job: Any, report: dict[str, Any]) -> None:
    """Print all of check: the plan, the findings, the lengths, and one row as the model will see it."""
    show_plan(out, job, report)
    show_data(out, report)
    out.print(translate("\nTokens per training sequence"), style="bold")
    out.print(_histogram(report["lengths"], job.config.data.max_length))
    share = report["label_tokens"] / report["tokens"]
    out.print(
        fill(
            "{tokens:,} tokens, {label_tokens:,} of them learned ({share:.0%})",
            {"tokens": report["tokens"], "label_tokens": report["label_tokens"], "share": share},
        )
    )
    if report["truncated"]:
        out.print(
            fill(
                "{truncated} sequences are too long and lose their oldest turns (--data.max_length)",
                {"truncated": report["truncated"]},
            )
        )
    out.print(translate("\nThe first row; what is learned is marked [like this]"), style="bold")
    out.print(_masked(report["first_row"]))


def show_data(out: Console, report: dict[str, Any]) -> None:
    """Print what check found in rows and split."""
    report = localized(report, language())
    out.print(
        fill("{rows} rows: {verdict}", {"rows": report["rows"], "verdict": report["verdict"]}),
        style="bold",
        soft_wrap=True,
    )
    for finding in report["findings"]:
        _show_finding(out, finding)
    out.print(
        fill(
            "{heldout_rows} rows held out; left out of both, because they resemble one: {dropped}",
            {"heldout_rows": report["heldout_rows"], "dropped": report["dropped"]},
        ),
        soft_wrap=True,
    )
    if report["leak"]:
        near = {name: report["leak"][name]["near"] for name in ("split", "random")}
        out.print(
            fill(
                "held-out rows with a near-duplicate in training: {split} (a random split: {random})",
                {"split": near["split"], "random": near["random"]},
            ),
            soft_wrap=True,
        )
    for reason, count in report["left_out"].items():
        out.print(fill("left out: {count} {reason}", {"count": count, "reason": reason}), soft_wrap=True)
    if unread := list(report["unread_columns"]):
        names = ", ".join(unread[:MOST_COLUMNS]) + ("…" if unread[MOST_COLUMNS:] else "")
        out.print(
            fill(
                "not read: {columns}; if one belongs to the prompt, say which: --data.columns system={first}",
                {"columns": names, "first": unread[0]},
            ),
            soft_wrap=True,
        )
    for skipped in report["skipped"][:3]:
        out.print(fill("skipped: {skipped}", {"skipped": skipped}), soft_wrap=True)


def show_ending(out: Console, run: RunDir) -> None:
    """Print what came of a run: losses, samples, where things are, what to do next."""
    losses = dict(metrics_log.points(metrics_log.read(run.metrics), "heldout_loss"))
    step = read_or_empty(run.environment, dict).get("adapter_step")
    if 0 in losses and step in losses:
        out.print(
            fill(
                "\nheld-out loss: {before:.4f} before, {after:.4f} after training",
                {"before": losses[0], "after": losses[step]},
            ),
            style="bold",
        )
    table = Table(show_lines=True, expand=True)
    for title in SIDES:
        table.add_column(translate(title), ratio=1 if title == "prompt" else 2, overflow="fold")
    for sample in read_or_empty(run.samples, list):
        if isinstance(sample, dict):
            table.add_row(*(str(sample.get(key, "")) for key in SIDES))
    out.print(table)
    out.print(
        fill("run folder   {path}\nloss curve   {loss_picture}", {"path": run.path, "loss_picture": run.loss_picture}),
        soft_wrap=True,
    )
    if headline := read_or_empty(run.eval, dict).get("headline"):
        out.print(str(headline), style="bold", soft_wrap=True)
        out.print(fill("the verdict  {report}", {"report": run.report}), soft_wrap=True)
    out.print(fill("\nNext:  {command}", {"command": offbook_command("chat", run.path)}), soft_wrap=True)


def _show_finding(out: Console, finding: dict[str, Any]) -> None:
    """A finding as a block: its lines are never cropped, so that an option in it can be copied."""
    out.print(
        fill(
            "- {count} {title} ({share:.1%} of the rows)",
            {"title": finding["title"], "count": finding["count"], "share": finding["share"]},
        ),
        soft_wrap=True,
    )
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
    return "\n".join(
        [*lines, fill("longest {longest}, limit {limit} (data.max_length)", {"longest": max(lengths), "limit": limit})]
    )


def _masked(runs: list[dict[str, Any]]) -> Text:
    """A training sequence in runs of learned tokens, marked by colour and by brackets, and of others."""
    text = Text()
    for run in runs:
        shown = printable(run["text"])
        text.append(f"[{shown}]" if run["learned"] else shown, style="bold green" if run["learned"] else "dim")
    return text


def _plain_table() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    return table
