"""What a training of a character takes on a base model: measured by `check`, as a terminal shows it, or by its size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from offbook.pipeline.base_choices import BaseChoice, matrix_rate
from offbook.studio.character import CharacterFolder
from offbook.studio.checks import version_of
from offbook.studio.context import Studio
from offbook.studio.jobs import JobRecord, newest

KIND = "estimate"
UNMEASURED = ("name", "persona", "model.source", "model.revision")
"""Settings that are not among those which a measurement is for."""


def start_estimate(studio: Studio, character: CharacterFolder, source: str) -> JobRecord:
    """Put a `check` on a base model into the queue."""
    argv = ["check", "-c", studio.workspace.relative(character.config), "--json"]
    argv += ["--model.source", source] if source != character.load().model.source else []
    return studio.queue.submit(KIND, character.name, argv, details=_details(character, source))


def end_estimates(studio: Studio, character: CharacterFolder) -> None:
    """A training that is asked for does not wait until its time is known."""
    for job in studio.queue.list():
        if (job.request.kind, job.request.subject) == (KIND, character.name) and job.state in ("queued", "running"):
            job.cancel()


def estimates(
    studio: Studio, character: CharacterFolder, bases: Iterable[BaseChoice], tokens: int
) -> dict[str, dict[str, Any]]:
    """What each base model takes, by its source: {seconds, bytes, rough, job}.

    Args:
        studio: its jobs have measured some.
        character: what is trained.
        bases: the base models.
        tokens: how many tokens a training roughly goes through.

    Returns:
        `rough` where it follows from the size alone, in proportion to what was measured with another base model.
    """
    bases, jobs = list(bases), studio.queue.list()
    result, ratio, rate = {}, 1.0, matrix_rate()
    for base in bases:
        job = newest(jobs, KIND, character.name, **_details(character, base.source))
        report = job.result() if job is not None else None
        measured = report.get("estimate") if isinstance(report, dict) else None
        seconds = base.training_seconds(tokens, rate)
        if measured:
            ratio = measured["seconds"] / seconds if seconds else ratio
            result[base.source] = {"seconds": measured["seconds"], "bytes": measured["peak_bytes"], "rough": False}
        else:
            result[base.source] = {"seconds": seconds, "bytes": base.training_bytes, "rough": True}
        is_open = job is not None and job.state in ("queued", "running")
        result[base.source]["job"] = job.as_json() if job is not None and is_open else None
    for each in result.values():
        if each["rough"] and each["seconds"]:
            each["seconds"] = round(each["seconds"] * ratio, 1)
    return result


def _details(character: CharacterFolder, source: str) -> dict[str, Any]:
    """What a measurement is for: rows, settings, and the base model."""
    rows = {name: stamp for name, stamp in version_of(character).items() if name != character.config.name}
    settings = character.settings()
    for dotted in UNMEASURED:
        *sections, leaf = dotted.split(".")
        tree: Any = settings
        for section in sections:
            tree = tree.get(section) if isinstance(tree, dict) else None
        if isinstance(tree, dict):
            tree.pop(leaf, None)
    return {"rows": rows, "settings": repr(settings), "source": source}
