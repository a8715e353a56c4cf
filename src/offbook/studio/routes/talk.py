"""Talking: the chat page of `offbook serve`, for a run and those that share its base model."""

from __future__ import annotations

import secrets
import socket
from typing import Any

from fastapi import APIRouter

from offbook.core.rundir import RunDir
from offbook.studio.context import Studio, StudioDep
from offbook.studio.errors import Conflict
from offbook.studio.jobs import JobRecord
from offbook.studio.proxy import key_of
from offbook.studio.runs import settings_of

router = APIRouter(tags=["talk"])

MOST_CHARACTERS = 12
IDLE_MINUTES = 15
"""A character that nobody has said anything to for so long leaves the stage: it holds a model in memory."""


@router.post("/runs/{name}/talk")
def talk(name: str, studio: StudioDep) -> dict[str, Any]:
    """Bring a character on: a job that serves it, with the others of its base model for a scene.

    `address` is where its chat page and its API are; `/health` under it answers when they can be asked.
    """
    run = studio.workspace.run(name)
    if not run.finished:
        raise Conflict("the run '{name}' is not trained yet", "Let it finish.", name=name)
    running = [job for job in studio.queue.list() if job.request.kind == "talk" and job.state in ("queued", "running")]
    job = next((each for each in running if name in each.request.details["runs"]), None)
    if job is None:
        for each in running:  # one base model in memory is enough
            each.cancel()
        job = _begin(studio, run)
    return {"job": job.as_json(), "address": f"/proxy/{job.id}/", "command": job.as_json()["command"]}


def _begin(studio: Studio, run: RunDir) -> JobRecord:
    base = settings_of(run).get("model")
    others = [each for each in studio.workspace.list_runs() if each.finished and each.path != run.path]
    runs = [run, *(each for each in others if settings_of(each).get("model") == base)][:MOST_CHARACTERS]
    port, salt = _free_port(), secrets.token_hex(8)
    argv = ["serve", *(studio.workspace.relative(each.path) for each in runs), "--port", str(port)]
    argv += ["--idle", str(IDLE_MINUTES)]
    details = {"runs": [each.name for each in runs], "run": run.name, "port": port, "salt": salt}
    key = {"OFFBOOK_API_KEY": key_of(studio, salt)}
    return studio.queue.submit("talk", run.name, argv, details=details, secrets=key)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
