"""metrics.jsonl: the record of a run. One JSON object per line, on disk before the run goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from offbook.core.atomic import atomic_write_text
from offbook.core.config.schema import COUNT_LIMIT
from offbook.core.text_file import read_text


class MetricsLog:
    """Appends lines durably; after a resume it continues without gaps or doubles.

    Args:
        path: the file.
        lines: what it begins with, whatever the file holds: the lines that a checkpoint keeps of the steps before it.
    """

    def __init__(self, path: Path, lines: Iterable[dict[str, Any]] = ()) -> None:
        self.path = path
        self.lines = list(lines)
        """What it holds."""
        atomic_write_text(path, "".join(map(_text, self.lines)))

    def __call__(self, line: dict[str, Any]) -> None:
        """Append a line; it is on disk when this returns."""
        # JSON has no NaN: a value that is none is written as null.
        self.lines.append({key: None if _is_odd(value) else value for key, value in line.items()})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_text(self.lines[-1]))
            file.flush()
            os.fsync(file.fileno())


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics file; what is no line of metrics (the last one, torn by a crash) is left out."""
    try:
        texts = read_text(path, errors="replace").split("\n")
    except OSError:
        return []
    lines = []
    for text in texts:
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int) and 0 <= line["step"] <= COUNT_LIMIT:
            lines.append(line)
    return lines


def _text(line: dict[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False) + "\n"


def _is_odd(value: object) -> bool:
    return isinstance(value, float) and not isfinite(value)


def points(lines: Iterable[Mapping[str, Any]], key: str) -> list[tuple[int, float]]:
    """The (step, value) pairs of the lines that hold a finite number under `key`, by step.

    Of two lines for one step the later counts.
    """
    values = {line["step"]: line[key] for line in lines if line.get(key) is not None}
    return sorted((step, value) for step, value in values.items() if _is_number(value))


def _is_number(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    except OverflowError:  # an integer beyond every float
        return False


def best_step(lines: Iterable[Mapping[str, Any]]) -> int | None:
    """The step with the lowest held-out loss after training began, the earliest of equals.

    None where no loss was taken.
    """
    taken = [(loss, step) for step, loss in points(lines, "heldout_loss") if step > 0]
    return min(taken)[1] if taken else None


def stalled(lines: Iterable[Mapping[str, Any]], patience: int) -> bool:
    """Whether the last `patience` held-out losses all failed to go below the best before them."""
    losses = [loss for _, loss in points(lines, "heldout_loss")]
    return len(losses) > patience and min(losses[-patience:]) >= min(losses[:-patience])
