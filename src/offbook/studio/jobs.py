"""A job: a folder whose files say what it is to do and what came of it. Its state is read from them, never remembered.

.studio/jobs/ID/job.json      kind, subject, argv, when it was made: written once, whole
                order         its place in the queue: a number
                pid           process and its start time: made by the process itself, by one alone
                stdout stderr what the command printed; stderr holds its events, one JSON object a line
                cancel        somebody wants it to end
                rc            its exit code, when it has ended by itself
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import psutil

from offbook.core.atomic import atomic_dir, atomic_write_text
from offbook.core.i18n import language, translate
from offbook.core.shell import offbook_command
from offbook.studio.advice import page_error
from offbook.studio.job_log import in_reader_s_language, latest_events, read_events, warnings
from offbook.studio.runner import CANCEL, EXIT_CODE, PID

State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
OPEN: tuple[State, ...] = ("queued", "running")
"""States of a job that is not over."""
INTERRUPTED = (130, 143, -2, -15)
"""Exit codes of a command that a signal ended after it had saved."""
SILENT_MINUTES = 3
"""A job that has said nothing for so long may hang: pages say so, and offer to end it."""
CLAIM_SECONDS = 10.0
"""A process writes its id into the file that it has made within this time, or it was killed in between."""
FULL_BYTES = 2**18
"""With less room than this on the disk, a job that has ended without a word was ended by that."""
_ENDED: dict[Path, State] = {}
"""Folder of a job that has left its exit code → its state: it stays so, and there may be a thousand of them."""


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What a job is to do: the content of job.json."""

    kind: str
    """The verb, or what it is for: speakers, extract, check, train, export …"""
    subject: str
    """What it is about: a source, a character or a run."""
    argv: list[str]
    """The words after `offbook`."""
    lang: str = "en"
    """Language of its messages."""
    details: dict[str, Any] = field(default_factory=dict)
    """What the page that asked for it needs to find it again."""
    created: float = field(default_factory=time.time)


class JobRecord:
    """One job by its folder.

    Args:
        folder: `.studio/jobs/ID`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = folder.name
        self.request = JobRequest(**json.loads((folder / "job.json").read_text(encoding="utf-8")))

    @property
    def order(self) -> float:
        """Its place in the queue: jobs with smaller numbers go first. One that has ended has none: it is its time."""
        if self.folder in _ENDED:
            return self.request.created
        try:
            return float((self.folder / "order").read_text(encoding="ascii"))
        except (OSError, ValueError):
            return self.request.created

    @order.setter
    def order(self, value: float) -> None:
        atomic_write_text(self.folder / "order", f"{value!r}\n")

    @property
    def exit_code(self) -> int | None:
        """What the command ended with; None where it did not end by itself."""
        try:
            return int((self.folder / EXIT_CODE).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    @property
    def state(self) -> State:
        """How it stands with the job."""
        if self.folder in _ENDED:
            return _ENDED[self.folder]
        state = self._read_state()
        if state not in OPEN and self.exit_code is not None:
            _ENDED[self.folder] = state
        return state

    def _read_state(self) -> State:
        is_cancelled = (self.folder / CANCEL).exists()
        is_claimed = (self.folder / PID).exists()
        if not is_claimed:
            return "cancelled" if is_cancelled else "queued"
        if self.exit_code is None and (self.process is not None or self._is_being_claimed()):
            return "running"
        code = self.exit_code  # read again: it may have been written while the process was looked for
        if code == 0:
            return "done"
        if is_cancelled:
            return "cancelled"
        return "interrupted" if code is None or code in INTERRUPTED else "failed"

    @property
    def process(self) -> psutil.Process | None:
        """The job's process if it is alive; another one that has got its id since then is not it."""
        try:
            pid, started = (self.folder / PID).read_text(encoding="ascii").split()
            process = psutil.Process(int(pid))
            is_same = abs(process.create_time() - float(started)) < 2
            return process if is_same and process.status() != psutil.STATUS_ZOMBIE else None
        except (OSError, ValueError, psutil.Error):
            return None

    @property
    def is_paused(self) -> bool:
        """Whether the process is held: it keeps its memory, and does nothing."""
        try:
            return (process := self.process) is not None and process.status() == psutil.STATUS_STOPPED
        except psutil.Error:
            return False

    @property
    def silent_minutes(self) -> int:
        """For how many minutes a running job has said nothing; 0 below `SILENT_MINUTES`."""
        heard = max(_time(self.folder / "stderr") or 0.0, _time(self.folder / PID) or 0.0)
        minutes = int((time.time() - heard) // 60) if self.state == "running" else 0
        return minutes if minutes >= SILENT_MINUTES else 0

    def pause(self, is_paused: bool) -> None:
        """Hold the process and those that it has started, or let them go on."""
        for process in self._processes():
            with suppress(psutil.Error):
                process.suspend() if is_paused else process.resume()
        for _ in range(100):  # the system may take a moment
            if self.is_paused == is_paused:
                break
            time.sleep(0.01)

    def signal(self) -> None:
        """Ask the process to save and end; one that is held goes on for that."""
        if process := self.process:
            with suppress(psutil.Error):
                process.send_signal(signal.SIGTERM)
            self.pause(False)

    def cancel(self) -> None:
        """End the job, or see that it never begins."""
        (self.folder / CANCEL).touch()
        self.signal()

    def kill(self) -> None:
        """End the process and those that it has started, at once."""
        for process in self._processes():
            with suppress(psutil.Error):
                process.kill()

    def events(self, after: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
        """The events behind a byte of standard error, each with the byte that it ends at; torn lines are left out."""
        return read_events(self.folder / "stderr", after)

    def result(self) -> Any:
        """What the command printed as JSON on standard output; None where it is not JSON."""
        try:
            return json.loads((self.folder / "stdout").read_bytes())
        except (OSError, ValueError):
            return None

    def as_json(self) -> dict[str, Any]:
        """The job as the API tells it, in the reader's language: that of one that is over is remembered."""
        return self._to_json() if self.state in OPEN else _ended_to_json(self.folder, language())

    def _to_json(self) -> dict[str, Any]:
        log = self.folder / "stderr"
        latest = {kind: in_reader_s_language(event) for kind, event in latest_events(log).items()}
        ended = self.folder / EXIT_CODE
        return {
            "id": self.id,
            "kind": self.request.kind,
            "subject": self.request.subject,
            "state": self.state,
            "paused": self.is_paused,
            "silent": self.silent_minutes,
            "order": self.order,
            "created": self.request.created,
            "started": _time(self.folder / PID),
            "ended": _time(ended),
            "exit_code": self.exit_code,
            "command": offbook_command(*self.request.argv),
            "stage": latest.get("stage", {}).get("text"),
            "progress": latest.get("progress"),
            "warnings": warnings(log),
            "error": page_error(latest.get("error") or self._disk_full()),
            "details": self.request.details,
        }

    def _disk_full(self) -> dict[str, Any] | None:
        """The error of a job that could leave no word, not even its exit code, because the disk is full."""
        if self.state != "interrupted" or self.exit_code is not None or not _is_full(self.folder):
            return None
        return {"text": translate("the disk is full"), "fix": translate("Make room, then begin it again.")}

    def _processes(self) -> list[psutil.Process]:
        """The process and those that it has started, which come first."""
        process = self.process
        try:
            return [] if process is None else [*process.children(recursive=True), process]
        except psutil.Error:
            return []

    def _is_being_claimed(self) -> bool:
        try:
            status = (self.folder / PID).stat()
        except OSError:
            return False
        return status.st_size == 0 and time.time() - status.st_mtime < CLAIM_SECONDS


@lru_cache(2048)
def _ended_to_json(folder: Path, _language: str) -> dict[str, Any]:
    return JobRecord(folder)._to_json()


@lru_cache(4096)
def _record(folder: str) -> JobRecord:
    """The job of a folder: what it is to do is written once and never changes."""
    return JobRecord(Path(folder))


def forget(folder: Path) -> None:
    """Remember a job no longer: its folder is gone."""
    _ENDED.pop(folder, None)


def create(jobs: Path, request: JobRequest) -> JobRecord:
    """Write a new job; it appears whole."""
    moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime(request.created))
    folder = jobs / f"{moment}-{secrets.token_hex(4)}"
    with atomic_dir(folder) as new:
        (new / "job.json").write_text(json.dumps(asdict(request), ensure_ascii=False), encoding="utf-8")
    return JobRecord(folder)


def list_jobs(jobs: Path) -> list[JobRecord]:
    """All jobs, in the order of the queue."""
    if not jobs.is_dir():
        return []
    records = []
    for entry in os.scandir(jobs):
        if not entry.name.startswith("."):
            with suppress(OSError, ValueError, TypeError):
                records.append(_record(entry.path))
    return sorted(records, key=lambda job: (job.order, job.id))


def newest(jobs: Sequence[JobRecord], kind: str, subject: str | None = None, **details: Any) -> JobRecord | None:
    """The last made job of a kind about a subject (None: any) whose details hold these values."""
    fitting = [
        job
        for job in jobs
        if job.request.kind == kind
        and subject in (None, job.request.subject)
        and details.items() <= job.request.details.items()
    ]
    return max(fitting, key=lambda job: job.request.created, default=None)


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < FULL_BYTES
    except OSError:
        return False


def _time(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None
