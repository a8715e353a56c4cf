"""What the newest `check` of a character has said, and which rows it holds out."""

from __future__ import annotations

import re
from typing import Any

from offbook.core.config.schema import options
from offbook.studio.character import CharacterFolder
from offbook.studio.context import Studio
from offbook.studio.jobs import JobRecord, newest

OPTION = re.compile(r"--([a-z_]+(?:\.[a-z_]+)+)[ =]([a-z0-9_.]*[a-z0-9])(?![=…\w])")
"""An option as findings and verdicts name it: `--data.dedupe exact`."""


def version_of(character: CharacterFolder) -> dict[str, Any]:
    """What tells whether rows and settings are still those of a check."""
    files = (character.lines, character.journal, character.config)
    return {path.name: f"{path.stat().st_size}-{path.stat().st_mtime_ns}" for path in files if path.is_file()}


def newest_check(studio: Studio, character: CharacterFolder) -> JobRecord | None:
    """The last check that was asked for."""
    return newest(studio.queue.list(), "check", character.name)


def heldout_numbers(studio: Studio, character: CharacterFolder) -> frozenset[int] | None:
    """Lines of rows.jsonl that are held out; None where rows or settings have changed since the last check."""
    version = version_of(character)
    jobs = [job for job in studio.queue.list() if job.request.details.get("version") == version]
    job = newest(jobs, "check", character.name)
    report = job.result() if job is not None else None
    places = report.get("heldout_places") if isinstance(report, dict) else None
    return None if places is None else frozenset(line for _, line in places)


def option_of(text: str | None) -> dict[str, Any] | None:
    """The first option that a sentence names together with a value, as {key, value}."""
    names = dict(options())
    fitting = (match for match in OPTION.finditer(text or "") if match[1] in names)
    return next(({"key": match[1], "value": match[2]} for match in fitting), None)
