"""kill -9 of the studio, or of its job, at random instants: what was answered is there, and the story goes on."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from offbook.core.metrics_log import read
from offbook.core.rundir import RunDir
from offbook.studio.edits import read_edits
from offbook.studio.jobs import JobRecord
from tests.studio.test_story import play

pytestmark = [pytest.mark.torture, pytest.mark.timeout(1800)]

KILLS = 30
EDITED = "HAMLET (2)"
"""The character whose rows are changed: a run of the other resumes only with the rows that it began with."""
LONGEST = 2.5
"""Seconds until a kill of the studio, at most: most of what the client does falls into them."""
LONGEST_JOB = 12.0
"""Seconds until a kill of a job, at most: it may be importing, training, judging, or have ended."""


@dataclass
class Acknowledged:
    """What the studio has answered that it did."""

    changes: int = 0
    texts: dict[str, bytes] = field(default_factory=dict)
    jobs: set[str] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)


class StudioProcess:
    """A studio in a process of its own, that is killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start()

    def start(self) -> None:
        environment = {**os.environ, "OFFBOOK_LANG": "en"}
        environment.pop("OFFBOOK_RUNS", None)
        command = [sys.executable, "-m", "offbook", "studio", str(self.folder), "--no-open", "--port", "0"]
        (self.folder / ".studio" / "address").unlink(missing_ok=True)
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while not (self.folder / ".studio" / "address").is_file():
            assert self.process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        address = (self.folder / ".studio" / "address").read_text().strip()
        token = (self.folder / ".studio" / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx2.Client(base_url=address, headers=headers, timeout=60, trust_env=False)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def upload(self, name: str, content: bytes) -> httpx2.Response:
        headers = {"Content-Type": "application/octet-stream"}
        return self.http.post("/api/sources", params={"name": name}, content=content, headers=headers)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        response = self.http.request(method, path, json={} if body is None and method == "POST" else body)
        assert response.status_code < 500, response.text
        return response.json() if response.is_success else None


def work(studio: StudioProcess, seen: Acknowledged, random_numbers: random.Random) -> None:
    """What a person does on the page, until the studio is gone."""
    with suppress(httpx2.TransportError):
        while True:
            name = f"text {random_numbers.random():.6f}.txt"
            content = play() * random_numbers.randint(1, 40)
            sent = studio.http.post(
                "/api/sources",
                params={"name": name},
                content=content,
                headers={"Content-Type": "application/octet-stream"},
            )
            if sent.is_success:
                seen.texts[sent.json()["name"]] = content
            rows = studio.ask("GET", f"/api/characters/{EDITED}/rows")
            for row in random_numbers.sample(rows["rows"], 3):
                op = "include" if row["excluded"] else "exclude"
                if studio.ask("POST", f"/api/characters/{EDITED}/edits", {"op": op, "row": row["id"]}):
                    seen.changes += 1
            jobs = studio.ask("GET", "/api/jobs")
            if not any(job["state"] in ("queued", "running") for job in jobs):
                begin_a_job(studio, seen, random_numbers)


def begin_a_job(studio: StudioProcess, seen: Acknowledged, random_numbers: random.Random) -> None:
    """Let a run that was killed go on, or begin another one; now and then look at the rows instead."""
    if random_numbers.random() < 0.3:
        job = studio.ask("POST", "/api/characters/HAMLET/check", {"data_only": True})
    elif left := unfinished(studio, seen):
        job = go_on(studio, left[0])
    else:
        job = studio.ask("POST", "/api/characters/HAMLET/train", {})
    if job:
        seen.jobs.add(job["id"])
        seen.runs |= {job["details"]["run"]} if job["kind"] == "train" else set()


def unfinished(studio: StudioProcess, seen: Acknowledged) -> list[str]:
    """The runs that were begun and have not ended."""
    runs = {name: studio.http.get(f"/api/runs/{name}") for name in sorted(seen.runs)}
    return [name for name, run in runs.items() if not run.is_success or run.json()["state"] != "finished"]


def go_on(studio: StudioProcess, name: str) -> Any:
    """Resume a run; one that was killed before it wrote anything is begun again by its job."""
    if job := studio.ask("POST", f"/api/runs/{name}/resume"):
        return job
    jobs = [each for each in studio.ask("GET", "/api/jobs") if each["details"].get("run") == name]
    return studio.ask("POST", f"/api/jobs/{max(jobs, key=lambda each: each['created'])['id']}/resume")


def prepare(studio: StudioProcess, tiny: Path) -> None:
    studio.http.post(
        "/api/sources",
        params={"name": "play.txt"},
        content=play(),
        headers={"Content-Type": "application/octet-stream"},
    )
    studio.ask("POST", "/api/characters", {"source": "play.txt", "role": "HAMLET"})
    settings = {"model.source": str(tiny), "data.heldout": 0.2, "data.replay": None, "train.epochs": 30}
    settings |= {"train.batch_size": 4, "train.save_steps": 5, "train.log_steps": 1, "track.trackers": []}
    settings |= {"generation.max_new_tokens": 4, "evaluate.prompts": 0, "train.heldout_steps": 4}
    assert studio.ask("PATCH", "/api/characters/HAMLET/config", settings)
    deadline = time.monotonic() + 120
    while not studio.ask("GET", "/api/characters/HAMLET/rows")["total"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert studio.ask("POST", "/api/characters/HAMLET/duplicate")["name"] == EDITED


def check_kept(folder: Path, seen: Acknowledged) -> None:
    """Everything that was answered is on the disk; of what was under way at most one change more."""
    journal = folder / "characters" / EDITED / "edits.jsonl"
    assert len(read_edits(journal).changes) in (seen.changes, seen.changes + 1)
    seen.changes = len(read_edits(journal).changes)
    for name, content in seen.texts.items():
        assert (folder / "sources" / name).read_bytes() == content
    assert seen.jobs <= {path.name for path in (folder / ".studio" / "jobs").iterdir()}


class JobKiller(threading.Thread):
    """Kills a job that runs, at some random instant of its life, again and again until it has killed `KILLS`.

    Args:
        folder: the workspace.
        random_numbers: how long each may live.
    """

    def __init__(self, folder: Path, random_numbers: random.Random) -> None:
        super().__init__()
        self.folder = folder
        self.random_numbers = random_numbers
        self.killed: list[str] = []
        """Kinds of the jobs that were killed."""

    def run(self) -> None:
        while len(self.killed) < KILLS:
            for path in (self.folder / ".studio" / "jobs").glob("*/pid"):
                if (path.parent / "rc").exists() or JobRecord(path.parent).state != "running":
                    continue
                time.sleep(self.random_numbers.uniform(0, LONGEST_JOB))
                job = JobRecord(path.parent)
                if (process := job.process) is not None:
                    with suppress(psutil.Error):
                        process.kill()
                        self.killed.append(job.request.kind)
            time.sleep(0.05)


def test_kills_of_the_studio_and_of_its_jobs(tiny: Path, tmp_path: Path) -> None:
    random_numbers = random.Random(20)
    studio = StudioProcess(tmp_path)
    prepare(studio, tiny)
    seen = Acknowledged()
    killer = JobKiller(tmp_path, random.Random(21))
    killer.start()
    kills = 0
    while kills < KILLS or killer.is_alive():
        client = threading.Thread(target=work, args=(studio, seen, random_numbers))
        client.start()
        time.sleep(random_numbers.uniform(0, LONGEST))
        studio.kill()
        kills += 1
        client.join(60)
        check_kept(tmp_path, seen)
        studio.start()
        check_kept(tmp_path, seen)
    finish(studio, seen)
    studio.kill()
    rows = (tmp_path / "characters" / EDITED / "rows.jsonl").read_text("utf-8").splitlines()
    assert all(json.loads(row)["messages"] for row in rows)
    print(f"{kills} kills of the studio, {len(killer.killed)} of jobs: {Counter(killer.killed)}; {len(seen.runs)} runs")


def finish(studio: StudioProcess, seen: Acknowledged) -> None:
    """Resume what was interrupted, until every run is finished, and look at what they wrote."""
    deadline = time.monotonic() + 900
    while left := unfinished(studio, seen):
        assert time.monotonic() < deadline, left
        jobs = studio.ask("GET", "/api/jobs")
        assert not [job for job in jobs if job["state"] == "failed"], jobs
        if not any(job["state"] in ("queued", "running") for job in jobs):
            go_on(studio, left[0])
        time.sleep(0.3)
    for name in seen.runs:
        steps = [line["step"] for line in read(RunDir(studio.folder / "runs" / name).metrics)]
        assert steps == sorted(set(steps))
        assert (studio.folder / "runs" / name / "adapter" / "adapter_model.safetensors").is_file()
