"""Runs: started, watched while they are trained, judged, compared, renamed, deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.responses import FileResponse, HTMLResponse, Response, StreamingResponse
from pydantic import BaseModel

from offbook.core.i18n import language
from offbook.core.metrics_log import points, read
from offbook.core.run_lock import remove
from offbook.core.rundir import RunDir
from offbook.core.shell import offbook_command, shell_command
from offbook.server import static_page
from offbook.studio.character import CharacterFolder
from offbook.studio.context import Studio, StudioDep
from offbook.studio.errors import Conflict, NotFound
from offbook.studio.jobs import JobRecord, newest
from offbook.studio.json_files import read_object, read_objects
from offbook.studio.queue import TALK
from offbook.studio.run_stream import run_events
from offbook.studio.runs import character_of, run_entry, settings_of
from offbook.studio.sse import MEDIA_TYPE
from offbook.studio.stored_verdict import stored_report
from offbook.studio.training import start_training
from offbook.studio.workspace import checked_name, folder_bytes

router = APIRouter(tags=["runs"])

REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'self'"
)
"""A report is a page of its own, with a script of its own, and no part of the studio."""


class TrainRequest(BaseModel):
    """A training."""

    name: str | None = None
    """Of the run; default: the character's, with a number."""


class ResumeRequest(BaseModel):
    """How a run goes on."""

    inexact: bool = False
    """Also where its rows or settings have changed since: it then ends otherwise than if it had not been stopped."""


class Rename(BaseModel):
    """A run's new name."""

    name: str


@router.post("/characters/{name}/train")
def train(name: str, request: TrainRequest, studio: StudioDep) -> dict[str, Any]:
    """Train a character with its settings: a job; `details.run` is the run's name."""
    character = CharacterFolder(studio.workspace.character(name))
    return start_training(studio, character, request.name).as_json()


@router.get("/runs")
def list_runs(studio: StudioDep) -> list[dict[str, Any]]:
    """All runs, newest first, also those that were begun in a terminal."""
    return [run_entry(studio.workspace, run) for run in studio.workspace.list_runs()]


@router.get("/runs/{name}")
def show(name: str, studio: StudioDep) -> dict[str, Any]:
    """A run: state, settings, losses, samples, the estimate and what it took, its jobs.

    Without `heldout_rows` there is nothing that it could be judged on.
    """
    run = studio.workspace.run(name)
    lines = read(run.metrics)
    environment = read_object(run.environment)
    job = job_of(studio, name)
    return {
        **run_entry(studio.workspace, run),
        "config": settings_of(run),
        "estimate": environment.get("estimate"),
        "losses": {key: points(lines, key) for key in ("loss", "heldout_loss")},
        "best_step": environment.get("adapter_step"),
        "samples": read_objects(run.samples),
        "bytes": folder_bytes(run.path),
        "heldout_rows": _count_lines(run.data / "heldout.jsonl"),
        "job": job.as_json() if job else None,
        "path": studio.workspace.relative(run.path),
        "command": offbook_command("runs", "show", studio.workspace.relative(run.path)),
    }


@router.get("/runs/{name}/stream")
def stream(
    name: str,
    studio: StudioDep,
    after: Annotated[str | None, Query(pattern=r"^\d+-\d+$")] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """A run as it is trained, as server-sent events: `metrics` and `samples` (lists of lines), `state`, `reset`.

    The run need not have begun: a job that is going to make it is enough. Ids of events go on where they were.
    """
    folder = studio.workspace.runs / checked_name(name)
    run = RunDir(folder)
    if not run.exists and job_of(studio, name) is None:
        studio.workspace.run(name)

    def state() -> dict[str, Any]:
        job = job_of(studio, name)
        waits = job is not None and job.state in ("queued", "running")
        job_json = job.as_json() if job else None
        return {"run": run.status, "job": job_json, "over": not waits and run.status != "running"}

    look = run_events(run, state, last_event_id or after)
    return StreamingResponse(studio.streams.follow(look), media_type=MEDIA_TYPE)


@router.post("/runs/{name}/resume")
def resume(name: str, studio: StudioDep, request: ResumeRequest | None = None) -> dict[str, Any]:
    """Go on with a run that was stopped or killed, exactly where it was saved."""
    run = studio.workspace.run(name)
    if run.running or ((job := job_of(studio, name)) is not None and job.state in ("queued", "running")):
        raise Conflict("the run '{name}' is under way", "Watch it, or stop it.", name=name)
    argv = ["train", "-c", studio.workspace.relative(run.config), "--resume", "--json"]
    argv += ["--allow-inexact"] if request is not None and request.inexact else []
    subject = character_of(studio.workspace, run) or name
    return studio.queue.submit("train", subject, argv, details={"run": name}).as_json()


@router.post("/runs/{name}/eval")
def evaluate(name: str, studio: StudioDep) -> dict[str, Any]:
    """Judge a run again: a job."""
    run = studio.workspace.run(name)
    argv = ["eval", studio.workspace.relative(run.path), "--lang", language(), "--json"]
    return studio.queue.submit("eval", name, argv, details={"run": name}).as_json()


@router.get("/runs/{name}/report")
def report(name: str, studio: StudioDep) -> Response:
    """The verdict as a page of its own, in the reader's language, to be shown in a frame."""
    run = studio.workspace.run(name)
    if not (run.report.is_file() and run.report.resolve().is_relative_to(run.path.resolve())):
        raise NotFound("the run '{name}' has no verdict yet", "Let it finish, or judge it now.", name=name)
    headers = {**static_page.HEADERS, "Content-Security-Policy": REPORT_POLICY}
    if (page := stored_report(run)) is not None:
        return HTMLResponse(page, headers=headers)
    return FileResponse(run.report, media_type="text/html; charset=utf-8", headers=headers)


@router.patch("/runs/{name}")
def rename(name: str, change: Rename, studio: StudioDep) -> dict[str, Any]:
    """Give a run another name."""
    run = studio.workspace.run(name)
    target = studio.workspace.runs / checked_name(change.name)
    if target.exists():
        raise Conflict("there is a run '{name}' already", "Choose another name.", name=target.name)
    _refuse_busy(studio, run)
    run.path.rename(target)
    paths = studio.workspace.relative(run.path), studio.workspace.relative(target)
    return {"name": target.name, "command": shell_command("mv", *paths)}


@router.get("/runs/{name}/size")
def size(name: str, studio: StudioDep) -> dict[str, Any]:
    """What deleting a run would take away."""
    run = studio.workspace.run(name)
    parts = [run.adapter, run.checkpoints, run.exports, run.data, run.trackers]
    return {
        "bytes": folder_bytes(run.path),
        "parts": [{"path": path.name, "bytes": folder_bytes(path)} for path in parts if path.is_dir()],
    }


@router.delete("/runs/{name}")
def delete(name: str, studio: StudioDep) -> dict[str, Any]:
    """Delete a run and all that it wrote; what is not its own stays and is named."""
    run = studio.workspace.run(name)
    _refuse_busy(studio, run)
    left = remove(run)
    return {
        "left": [path.name for path in left],
        "command": offbook_command("runs", "rm", studio.workspace.relative(run.path)),
    }


def _count_lines(path: Path) -> int:
    """Lines of a file; 0 where there is none."""
    try:
        with path.open("rb") as file:
            return sum(1 for line in file if line.strip())
    except OSError:
        return 0


def job_of(studio: Studio, name: str) -> JobRecord | None:
    """The newest training job of a run."""
    return newest(studio.queue.list(), "train", run=name)


def _refuse_busy(studio: Studio, run: RunDir) -> None:
    """See that nothing works with a run; a talk ends.

    Raises:
        Conflict: something does.
    """
    about = [job for job in studio.queue.list() if job.request.details.get("run") == run.name]
    if run.running or any(job.state in ("queued", "running") and job.request.kind != TALK for job in about):
        raise Conflict("a job works with '{name}'", "Wait until it ends, or cancel it.", name=run.name)
    studio.queue.end_talks(run.name)
