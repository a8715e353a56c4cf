"""A run while it is trained: the lines of its metrics and samples as they are written, and how it stands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from offbook.core.rundir import RunDir
from offbook.studio.sse import Look, sse

PIECE = 2**18
"""Bytes of a file that are told at once: a page that does not read holds no more of them in memory."""

StateOf = Callable[[], dict[str, Any]]
"""→ how it stands with the run, and whether it is `over`."""


class LineTail:
    """The complete lines of a file that grows, behind a byte; a file that has become shorter is begun again.

    Args:
        path: the file; it need not be there yet.
        offset: bytes that have been read.
    """

    def __init__(self, path: Path, offset: int) -> None:
        self.path = path
        self.offset = offset

    def read(self) -> tuple[bool, list[dict[str, Any]]]:
        """Whether the file was begun again, and its new lines: those of about `PIECE` bytes."""
        try:
            with self.path.open("rb") as file:
                restarted = file.seek(0, 2) < self.offset
                if restarted:
                    self.offset = 0
                file.seek(self.offset)
                content = file.read(PIECE) + file.readline()
        except OSError:
            return False, []
        complete = content[: content.rfind(b"\n") + 1]
        self.offset += len(complete)
        return restarted, [line for text in complete.splitlines() if (line := _line(text)) is not None]


def positions(event_id: str | None) -> tuple[int, int]:
    """The bytes of metrics and samples that a client has seen, by the id of its last event (`120-64`)."""
    metrics, _, samples = (event_id or "").partition("-")
    return _bytes(metrics), _bytes(samples)


def _bytes(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 20 else 0


def run_events(run: RunDir, state_of: StateOf, event_id: str | None) -> Look:
    """Server-sent events `reset`, `metrics`, `samples` and `state`; the last one is a `state` that is over.

    Args:
        run: the run; its folder need not be there yet.
        state_of: how it stands with it.
        event_id: of the last event that the client has seen.
    """
    seen = positions(event_id)
    metrics, samples = LineTail(run.metrics, seen[0]), LineTail(run.samples_log, seen[1])
    state: dict[str, Any] = {}

    def look() -> tuple[list[bytes], bool]:
        nonlocal state
        current = state_of()  # before the lines: what is written last is read after it
        events = []
        for name, tail in (("metrics", metrics), ("samples", samples)):
            restarted, lines = tail.read()
            events += [sse({"file": name}, "reset")] if restarted else []
            events += [sse(lines, name, f"{metrics.offset}-{samples.offset}")] if lines else []
        events += [sse(current, "state")] if current != state else []
        state = current
        return events, state["over"]

    return look


def _line(text: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(text, parse_constant=lambda _: None)  # JSON has no NaN; browsers could not read it
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None
