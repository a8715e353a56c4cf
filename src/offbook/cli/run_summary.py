"""What a run amounts to, out of its folder, and how `offbook runs` shows it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offbook.core.config.schema import options
from offbook.core.config.yaml_file import read_settings
from offbook.core.errors import UsageError
from offbook.core.i18n import marked, translate
from offbook.core.json_file import read_or_empty
from offbook.core.metrics_log import points, read
from offbook.core.progress import fill
from offbook.core.rundir import RunDir

if TYPE_CHECKING:
    from rich.console import Console

STATES = (
    marked("running"),
    marked("deleting"),
    marked("finished"),
    marked("stopped"),
    marked("empty"),
    marked("faulty"),
)
"""What a run can be."""
COLUMNS = (
    marked("run"),
    marked("character"),
    marked("state"),
    marked("changed"),
    marked("steps"),
    marked("held-out loss"),
    marked("model"),
)
DAMAGED = marked("(run.yaml is damaged)")
NOT_COMPARABLE = marked(
    "Not all of these runs have the same model and the same held-out rows: their losses do not compare with each other."
)


def run_summary(run: RunDir) -> dict[str, Any]:
    """What a run amounts to, for `--json`.

    Returns:
        name, path, status, changed (ISO 8601, local time), step, heldout_loss (before training, and of the adapter or
        else the last), heldout_rows (a hash of the rows that it was taken on), model, character, verdict (its
        headline); model is None and the status `faulty` where run.yaml does not name it.
    """
    lines = read(run.metrics)
    losses = dict(points(lines, "heldout_loss"))
    settings = _settings(run)
    model = _text(settings, "model", "source")
    moment = (run.metrics if run.metrics.is_file() else run.path).stat().st_mtime
    of_adapter: Any = read_or_empty(run.environment, dict).get("adapter_step")
    return {
        "name": run.name,
        "path": str(run.path),
        "status": "faulty" if model is None and run.status != "deleting" else run.status,
        "changed": _date(moment).isoformat(timespec="seconds"),
        "step": lines[-1]["step"] if lines else 0,
        "heldout_loss": [losses[min(losses)], losses.get(of_adapter, losses[max(losses)])] if losses else None,
        "heldout_rows": _digest(run.data / "heldout.jsonl") if losses else None,
        "model": model,
        "character": _text(settings, "persona", "name"),
        "verdict": read_or_empty(run.eval, dict).get("headline"),
    }


def comparable(summaries: Sequence[dict[str, Any]]) -> bool:
    """Whether the held-out losses of some runs, as far as they have any, can be set side by side."""
    return len({(row["model"], row["heldout_rows"]) for row in summaries if row["heldout_loss"]}) < 2


def show_runs(out: Console, summaries: Sequence[dict[str, Any]]) -> None:
    """Print runs as a table, or as blocks where the terminal is too narrow for one."""
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in COLUMNS:
        table.add_column(translate(title), no_wrap=True)
    cells = [_cells(row) for row in summaries]
    for row in cells:
        table.add_row(*row)
    if out.measure(table, options=out.options.update(max_width=10_000)).maximum <= out.width:
        out.print(table)
    else:
        for name, character, state, changed, steps, loss, model in cells:
            out.print(name, style="bold", soft_wrap=True)
            count = fill("{steps} steps", {"steps": steps})
            for part in (f"{state} · {changed}", " · ".join(filter(None, (character, count, loss))), model):
                out.print(f"  {part}")
    if not comparable(summaries):
        out.print(translate(NOT_COMPARABLE), style="dim")


def show_facts(out: Console, run: RunDir, summary: dict[str, Any]) -> None:
    """Print what a run is about, and its settings as far as they are not the defaults."""
    from rich.table import Table

    name, state, changed = (summary[key] for key in ("name", "status", "changed"))
    out.print(f"{name}  {translate(state)}  {_moment(changed)}", style="bold")
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    table.add_row(translate("character"), summary["character"] or "")
    table.add_row(translate("model"), summary["model"] or translate(DAMAGED))
    table.add_row(translate("steps"), str(summary["step"]))
    if not (run.finished and run.samples.is_file()) and summary["heldout_loss"]:
        table.add_row(translate("held-out loss"), loss_change(summary["heldout_loss"]))
    table.add_row(translate("settings"), str(run.config))
    for name, value in _changed_settings(run):
        table.add_row("", f"{name}: {value}")
    out.print(table)


def loss_change(losses: Sequence[float] | None) -> str:
    """A loss before and after, and by how much of itself it changed; "" where there is none."""
    if not losses:
        return ""
    change = losses[1] / losses[0] - 1 if losses[0] else 0.0
    return f"{losses[0]:.3f} → {losses[1]:.3f} ({change:+.{0 if abs(change) >= 0.01 else 1}%})"


def _cells(row: dict[str, Any]) -> list[str]:
    state = row["status"]
    return [
        row["name"],
        row["character"] or "",
        translate(state),
        _moment(row["changed"]),
        str(row["step"]),
        loss_change(row["heldout_loss"]),
        row["model"] or translate(DAMAGED),
    ]


def _date(seconds: float) -> datetime:
    """A file's time as a local date; of a time that no calendar has (a broken clock wrote it) the beginning of all."""
    try:
        return datetime.fromtimestamp(seconds).astimezone()
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0).astimezone()


def _moment(iso: str) -> str:
    return iso.replace("T", " ")[:16]


def _changed_settings(run: RunDir) -> list[tuple[str, str]]:
    """The settings that differ from their defaults, as they are written."""
    tree = _settings(run)
    changed = []
    for name, field in options():
        section, _, key = name.rpartition(".")
        part: Any = tree
        for step in section.split(".") if section else ():
            part = part.get(step) if isinstance(part, dict) else None
        if not isinstance(part, dict) or key not in part or name in ("name", "persona.name", "model.source"):
            continue
        value = part[key]
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        if value != default:
            changed.append((name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
    return changed


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


def _digest(path: Path) -> str | None:
    """The first digits of a file's sha256; None where it cannot be read."""
    try:
        return sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else None
    except OSError:
        return None
