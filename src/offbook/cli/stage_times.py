"""How long the stages of earlier commands took on this computer, so that a wait without a count has an end in sight.

Such are the import of a library, a question to a hub, the hash of a large file. What counts its own steps is not kept.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from offbook.core.atomic import atomic_write_json
from offbook.hub.cache import home

KEPT = 200
"""Stages that are remembered; the oldest go first."""


def expected_seconds(stage: str) -> float | None:
    """Seconds that a stage with this text takes here, or None where it was never timed."""
    return _load().get(stage)


def remember(stage: str, seconds: float) -> None:
    """Keep a stage's time: the mean of this one and what was kept, since a first import is slower than a second."""
    times = _load()
    times[stage] = round((seconds + times.pop(stage, seconds)) / 2, 1)
    with suppress(OSError):  # a cache that cannot be written is none of the user's worries
        atomic_write_json(_file(), dict(list(times.items())[-KEPT:]))


def _file() -> Path:
    return home() / "stage_times.json"


def _load() -> dict[str, float]:
    try:
        times = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(times, dict):
        return {}
    return {stage: float(seconds) for stage, seconds in times.items() if isinstance(seconds, int | float)}
