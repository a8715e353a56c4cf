"""What a job has said: the events on its standard error, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from offbook.core.i18n import translate
from offbook.core.progress import told_again
from offbook.studio.advice import page_settings

TAIL = 2**16
"""Bytes at the end of a job's standard error that are looked through for its last events, and at its beginning for
warnings: most are said before the long part begins."""
MOST_WARNINGS = 12
TEXTS = ("text", "fix")
"""What an event tells people."""


def read_events(path: Path, after: int = 0, most: int | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """The events behind a byte, each with the byte that it ends at; torn lines are left out.

    Args:
        path: the job's standard error.
        after: bytes that are passed over.
        most: bytes up to which lines may begin; default: all.
    """
    try:
        with path.open("rb") as file:
            file.seek(after)
            for line in file:
                after += len(line)
                if not line.endswith(b"\n"):
                    return
                yield after, _event(line)
                if most is not None and after >= most:
                    return
    except OSError:
        return


def latest_events(path: Path) -> dict[str, dict[str, Any]]:
    """Kind of event → its last one; progress counts only since the last stage began."""
    latest: dict[str, dict[str, Any]] = {}
    for _, event in read_events(path, _tail(path)):
        if event["event"] == "stage":
            latest.pop("progress", None)
        latest[event["event"]] = event
    return latest


def in_reader_s_language(event: dict[str, Any]) -> dict[str, Any]:
    """An event with its texts in the language of messages now, whichever the job has told them in."""
    result = {name: value for name, value in event.items() if name != "sources"}
    made = event.get("sources")
    for name in TEXTS:
        if isinstance(text := event.get(name), str):  # without a source it is the message itself, in English
            result[name] = told_again(made[name], text) if isinstance(made, dict) and name in made else translate(text)
    return result


def warnings(path: Path) -> list[str]:
    """What a job has warned of, each once, with settings named as the page has them.

    Args:
        path: the job's standard error.
    """
    head = read_events(path, most=TAIL)
    tail = read_events(path, max(TAIL, _tail(path)))
    warned = (event for events in (head, tail) for _, event in events if event["event"] == "warning")
    texts = dict.fromkeys(str(in_reader_s_language(event).get("text")) for event in warned)
    return [page_settings(text) for text in texts][:MOST_WARNINGS]


def _tail(path: Path) -> int:
    try:
        return max(0, path.stat().st_size - TAIL)
    except OSError:
        return 0


def _event(line: bytes) -> dict[str, Any]:
    """A line of standard error as an event; what is none is text that somebody printed."""
    try:
        event = json.loads(line)
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            return event
    except ValueError:
        pass
    return {"event": "text", "text": line.decode("utf-8", "replace").rstrip("\n")}
