"""metrics.jsonl: the truth about a run. One JSON object a line, on disk before the run goes on."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any


class MetricsLog:
    """Appends lines durably; after a resume it continues without gaps or doubles.

    Args:
        path: the file.
        resume_step: keep the lines up to this step and drop what a lost continuation wrote after it; None starts anew.
    """

    def __init__(self, path: Path, resume_step: int | None = None) -> None:
        self.path = path
        kept = [line for line in read(path) if line["step"] <= resume_step] if resume_step is not None else []
        temporary = path.with_name(f".tmp-{path.name}")
        with temporary.open("w", encoding="utf-8") as file:
            file.writelines(_line(line) for line in kept)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    def __call__(self, line: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line(line))
            file.flush()
            os.fsync(file.fileno())


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics file; a last line that a crash tore is left out."""
    if not path.exists():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int):
            lines.append(line)
    return lines


def _line(line: dict[str, Any]) -> str:
    # JSON has no NaN: a value that is none is written as null.
    finite = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in line.items()
    }
    return json.dumps(finite, ensure_ascii=False) + "\n"


def points(lines: Iterable[Mapping[str, Any]], key: str) -> list[tuple[int, float]]:
    """(step, value) of the lines of metrics.jsonl that carry a finite `key`, by step; of a step taken twice, the
    later."""
    found = {line["step"]: line[key] for line in lines if line.get(key) is not None}
    return sorted((step, value) for step, value in found.items() if isfinite(value))


def best_step(lines: Iterable[Mapping[str, Any]]) -> int | None:
    """The step with the lowest held-out loss after training began, the earliest of equals; None where none was
    taken."""
    taken = [(loss, step) for step, loss in points(lines, "heldout_loss") if step > 0]
    return min(taken)[1] if taken else None


def stalled(lines: Iterable[Mapping[str, Any]], patience: int) -> bool:
    """Whether the last `patience` held-out losses all failed to go below the best before them."""
    losses = [loss for _, loss in points(lines, "heldout_loss")]
    return len(losses) > patience and min(losses[-patience:]) >= min(losses[:-patience])
