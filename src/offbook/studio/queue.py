"""The queue: starts the next job of each lane when the one before it has ended."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

from offbook.core.i18n import language
from offbook.studio.errors import Conflict, NotFound
from offbook.studio.jobs import JobRecord, JobRequest, State, create, list_jobs
from offbook.studio.old_jobs import remove, surplus
from offbook.studio.runner import PID

LANES: dict[str, str] = {
    "speakers": "text",
    "extract": "text",
    "check": "model",
    "estimate": "model",
    "train": "model",
    "eval": "model",
    "export": "model",
    "pull": "network",
    "push": "network",
}
"""Kind of job → the lane in which one goes after the other. A kind without a lane begins at once."""
POLL_SECONDS = 0.3
"""How often running jobs are looked at; while there are none, nothing is."""
RETRY_SECONDS = 5.0
"""When the system has refused to begin or to remove a job, it is asked again after this time."""
MAX_WAITING = 100
"""Jobs that may wait at once: every look at the queue reads the files of each."""
TALK = "talk"
AWAY_SECONDS = 120.0
"""A talk that no page has asked for so long is ended; a page asks every 20 seconds, in a tab behind every minute."""


class JobQueue:
    """The jobs of a workspace. What it knows is in their folders; it can be killed and made anew at any time.

    Args:
        jobs: the folder of the jobs.
        cwd: where their commands run.
    """

    def __init__(self, jobs: Path, cwd: Path) -> None:
        self.folder = jobs
        self.cwd = cwd
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._stopped = False
        self._children: list[subprocess.Popen[bytes]] = []
        self._over: set[str] = set()
        """Jobs that have ended: nothing begins them again."""
        self._watched: dict[str, float] = {}
        """Talk → when a page last asked for it (or this process first saw it), on the monotonic clock."""
        self._secrets: dict[str, Mapping[str, str]] = {}
        self._thread = threading.Thread(target=self._watch, name="jobs", daemon=True)

    def start(self) -> None:
        """Look after the queue from now on, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Look after it no longer; running jobs go on."""
        self._stopped = True
        self._wake.set()
        self._thread.join(5)

    def wake(self) -> None:
        """Look at the jobs now."""
        self._wake.set()

    def submit(
        self,
        kind: str,
        subject: str,
        argv: Sequence[str | Path],
        *,
        details: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> JobRecord:
        """Put a command at the end of the queue.

        Args:
            kind: what it does; its lane is that of `LANES`.
            subject: what it is about.
            argv: the words after `offbook`.
            details: what is kept with the job.
            secrets: environment variables of the process, which are written nowhere.

        Raises:
            Conflict: `MAX_WAITING` jobs wait already.
        """
        self.require_room()
        request = JobRequest(kind, subject, [str(word) for word in argv], language(), dict(details or {}))
        job = create(self.folder, request)
        if secrets:
            self._secrets[job.id] = secrets
        self._wake.set()
        return job

    def require_room(self) -> None:
        """See that another job can wait: whatever asks for jobs without end is told so.

        Raises:
            Conflict: `MAX_WAITING` of them wait already.
        """
        waiting = [job for job in self.list() if job.id not in self._over and job.state == "queued"]
        if len(waiting) >= MAX_WAITING:
            raise Conflict("{count} jobs wait already", "Let some of them end, or cancel them.", count=len(waiting))

    def get(self, name: str) -> JobRecord:
        """A job by its id.

        Raises:
            NotFound: there is none.
        """
        for job in self.list():
            if job.id == name:
                return job
        raise NotFound("there is no job '{name}'", "Look at the list of jobs.", name=name)

    def list(self) -> list[JobRecord]:
        """All jobs in their order."""
        return list_jobs(self.folder)

    def move(self, name: str, before: str | None) -> None:
        """Put a waiting job before another waiting one, or at the end.

        Raises:
            NotFound: there is no such job.
            Conflict: it has begun.
        """
        job = self.get(name)
        if job.state != "queued":
            raise Conflict("the job has begun: its place cannot change", "Move one that waits.")
        waiting = [each for each in self.list() if each.state == "queued" and each.id != name]
        places = [each.order for each in waiting]
        index = next((place for place, each in enumerate(waiting) if each.id == before), None)
        if index is None:
            job.order = max([*places, job.order]) + 1
        else:
            job.order = next((a + b) / 2 for a, b in pairwise([places[0] - 2, *places]) if b == places[index])
        self._wake.set()

    def end_talks(self, run: str) -> None:
        """End the talks in which a run speaks: it is going to be renamed or deleted."""
        for job in self.list():
            if job.request.kind == TALK and run in job.request.details["runs"] and job.state in ("queued", "running"):
                job.cancel()

    def watched(self, name: str) -> None:
        """A page shows this talk."""
        self._watched[name] = time.monotonic()

    def tick(self) -> bool:
        """Start what can begin now; end talks whose pages are gone, and remove old jobs.

        Returns:
            Whether there is a job that waits or runs.
        """
        with self._lock:
            self._children = [child for child in self._children if child.poll() is None]
            jobs = [job for job in self.list() if job.id not in self._over]
            states: list[tuple[JobRecord, State]] = [(job, job.state) for job in jobs]
            over = {job.id for job, state in states if state not in ("queued", "running")}
            if over:
                self._over |= over
                self._remove_old()
            self._end_talks([job for job, state in states if state == "running" and job.request.kind == TALK])
            busy = {_lane(job) for job, state in states if state == "running"}
            for job, state in states:
                if state == "queued" and (_lane(job) is None or _lane(job) not in busy):
                    self._begin(job)
                    busy.add(_lane(job))
            return any(state in ("queued", "running") for _, state in states)

    def _end_talks(self, running: Sequence[JobRecord]) -> None:
        now = time.monotonic()
        self._watched = {job.id: self._watched.get(job.id, now) for job in running}
        for job in running:
            if now - self._watched[job.id] > AWAY_SECONDS:
                job.cancel()

    def _remove_old(self) -> None:
        for job in surplus([job for job in self.list() if job.id in self._over]):
            remove(job)
            self._over.discard(job.id)

    def _begin(self, job: JobRecord) -> None:
        """Start a job's process, in a session of its own, and wait until it has claimed the job."""
        environment = {**os.environ, "OFFBOOK_LANG": job.request.lang, **self._secrets.pop(job.id, {})}
        command = [sys.executable, "-m", "offbook.studio.runner", str(job.folder)]
        with (job.folder / "stdout").open("ab") as out, (job.folder / "stderr").open("ab") as err:
            child = subprocess.Popen(
                command,
                cwd=self.cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self._children.append(child)
        while job.state == "queued" and child.poll() is None:
            time.sleep(0.02)
        if job.state == "queued":  # it could not even begin; it would be started again and again
            (job.folder / PID).touch()

    def _watch(self) -> None:
        while not self._stopped:
            self._wake.clear()
            try:
                is_busy = self.tick()
            except (OSError, psutil.Error):  # no room on the disk, or for a process: it is tried again
                traceback.print_exc()
                self._wake.wait(RETRY_SECONDS)
            else:
                self._wake.wait(POLL_SECONDS if is_busy else None)


def _lane(job: JobRecord) -> str | None:
    return LANES.get(job.request.kind)
