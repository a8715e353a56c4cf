"""metrics.jsonl: the truth about a run. One JSON object a line, on disk before the run goes on."""

from __future__ import annotations

import json
import math
import os
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
