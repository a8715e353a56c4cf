"""Jobs: the queue, and what one job says while it works."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from offbook.studio.context import Studio, StudioDep
from offbook.studio.errors import Conflict
from offbook.studio.jobs import JobRecord
from offbook.studio.sse import MEDIA_TYPE, Look, sse

router = APIRouter(tags=["jobs"])

KILL_SECONDS = 20.0
"""A job that is cancelled has so long to save and end."""


class Place(BaseModel):
    """Where a waiting job goes."""

    before: str | None = None
    """The waiting job that comes after it; null: to the end."""


class Pause(BaseModel):
    """Whether a job is held."""

    paused: bool = True


@router.get("/jobs")
def list_jobs(studio: StudioDep) -> list[dict[str, Any]]:
    """All jobs, in the order of the queue: what waits, what runs, what came of the others."""
    return [job.as_json() for job in studio.queue.list()]


@router.get("/jobs/{job_id}")
def show(job_id: str, studio: StudioDep) -> dict[str, Any]:
    """One job: its state, stage, progress, error, and the command that does the same."""
    job = studio.queue.get(job_id)
    studio.queue.watched(job.id)
    return job.as_json()


@router.post("/jobs/{job_id}/stop")
def stop(job_id: str, studio: StudioDep) -> dict[str, Any]:
    """Ask a running job to save and end; it can be resumed."""
    job = studio.queue.get(job_id)
    if job.state != "running":
        raise Conflict("the job does not run", "Look at the list of jobs.")
    job.signal()
    return job.as_json()


@router.post("/jobs/{job_id}/pause")
def pause(job_id: str, request: Pause, studio: StudioDep) -> dict[str, Any]:
    """Hold a running job, so that the computer is free for something else, or let it go on where it was."""
    job = studio.queue.get(job_id)
    if job.state != "running":
        raise Conflict("the job does not run", "Look at the list of jobs.")
    job.pause(request.paused)
    return job.as_json()


@router.post("/jobs/{job_id}/cancel")
async def cancel(job_id: str, studio: StudioDep) -> dict[str, Any]:
    """End a job, or see that it never begins."""
    job = await asyncio.to_thread(studio.queue.get, job_id)
    if job.state not in ("queued", "running"):
        raise Conflict("the job has ended", "Look at the list of jobs.")
    await asyncio.to_thread(job.cancel)
    asyncio.get_running_loop().call_later(KILL_SECONDS, job.kill)
    studio.queue.wake()
    return job.as_json()


@router.post("/jobs/{job_id}/resume")
def resume(job_id: str, studio: StudioDep) -> dict[str, Any]:
    """Do a job again that was interrupted, failed or cancelled: training goes on from its last checkpoint."""
    job = studio.queue.get(job_id)
    if job.state in ("queued", "running", "done"):
        raise Conflict("there is nothing to resume: the job is {state}", "Look at its result.", state=job.state)
    return again(studio, job).as_json()


@router.post("/jobs/{job_id}/move")
def move(job_id: str, place: Place, studio: StudioDep) -> list[dict[str, Any]]:
    """Change the order of what waits."""
    studio.queue.move(job_id, place.before)
    return list_jobs(studio)


@router.get("/jobs/{job_id}/events")
def events(
    job_id: str,
    studio: StudioDep,
    after: Annotated[int, Query(ge=0)] = 0,
    last_event_id: Annotated[int | None, Header(ge=0)] = None,
) -> StreamingResponse:
    """What a job says, as server-sent events; each has the number to go on after. The last one is the job itself."""
    job = studio.queue.get(job_id)
    look = _events(job, after if last_event_id is None else last_event_id)
    return StreamingResponse(studio.streams.follow(look), media_type=MEDIA_TYPE)


def again(studio: Studio, job: JobRecord) -> JobRecord:
    """A new job that does the same; a training goes on."""
    request = job.request
    goes_on = request.kind == "train" and "--resume" not in request.argv
    argv = [
        *(word for word in request.argv if not (goes_on and word == "--overwrite")),
        *(["--resume"] if goes_on else []),
    ]
    details = {**request.details, "resumes": job.id}
    return studio.queue.submit(request.kind, request.subject, argv, details=details)


def _events(job: JobRecord, after: int) -> Look:
    state = ""

    def look() -> tuple[list[bytes], bool]:
        nonlocal state, after
        before, state = state, job.state
        events = list(job.events(after))
        after = events[-1][0] if events else after
        sent = [sse(event, number=number) for number, event in events]
        sent += [sse(job.as_json(), "job")] if state != before else []
        return sent, state not in ("queued", "running")

    return look
