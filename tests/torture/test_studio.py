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
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from offbook.core.metrics_log import read
from offbook.core.rundir import RunDir
from offbook.studio.edits import read_edits
from tests.studio.test_story import play

pytestmark = [pytest.mark.torture, pytest.mark.timeout(1800)]

KILLS = 30
EDITED = "HAMLET (2)"
"""The character whose rows are changed: a run of the other resumes only with the rows that it began with."""
LONGEST = 2.5
"""Seconds until a kill, at most: most of what the client does falls into them."""


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


def work(studio: StudioProcess, seen: Acknowledged, tiny: Path, random_numbers: random.Random) -> None:
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
            open_jobs = [job for job in studio.ask("GET", "/api/jobs") if job["state"] in ("queued", "running")]
            if not open_jobs:
                job = studio.ask("POST", "/api/characters/HAMLET/train", {})
                if job:
                    seen.jobs.add(job["id"])
                    seen.runs.add(job["details"]["run"])


def prepare(studio: StudioProcess, tiny: Path) -> None:
    studio.http.post(
        "/api/sources",
        params={"name": "play.txt"},
        content=play(),
        headers={"Content-Type": "application/octet-stream"},
    )
    studio.ask("POST", "/api/characters", {"source": "play.txt", "role": "HAMLET"})
    settings = {"model.source": str(tiny), "data.heldout": 0.2, "data.replay": None, "train.epochs": 3}
    settings |= {"train.batch_size": 4, "train.save_steps": 2, "train.log_steps": 1, "track.trackers": []}
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


def kill_job(folder: Path) -> None:
    """Kill a job that runs, if there is one."""
    for path in (folder / ".studio" / "jobs").glob("*/pid"):
        if not (path.parent / "rc").exists():
            with suppress(ValueError, IndexError, ProcessLookupError):
                os.kill(int(path.read_text().split()[0]), signal.SIGKILL)


def test_kills_of_the_studio_and_of_its_jobs(tiny: Path, tmp_path: Path) -> None:
    random_numbers = random.Random(20)
    studio = StudioProcess(tmp_path)
    prepare(studio, tiny)
    seen = Acknowledged()
    for number in range(KILLS):
        client = threading.Thread(target=work, args=(studio, seen, tiny, random_numbers))
        client.start()
        time.sleep(random_numbers.uniform(0, LONGEST))
        if number % 10 == 9:  # a training gets under way in between
            kill_job(tmp_path)
        studio.kill()
        client.join(60)
        check_kept(tmp_path, seen)
        studio.start()
        check_kept(tmp_path, seen)
    finish(studio, seen)
    studio.kill()
    rows = (tmp_path / "characters" / EDITED / "rows.jsonl").read_text("utf-8").splitlines()
    assert all(json.loads(row)["messages"] for row in rows)


def finish(studio: StudioProcess, seen: Acknowledged) -> None:
    """Resume what was interrupted, until every run is finished, and look at what they wrote."""
    deadline = time.monotonic() + 900
    while True:
        jobs = studio.ask("GET", "/api/jobs")
        assert not [job for job in jobs if job["state"] == "failed"], jobs
        is_open = any(job["state"] in ("queued", "running") for job in jobs)
        runs = {name: studio.http.get(f"/api/runs/{name}") for name in seen.runs}
        left = [name for name, run in runs.items() if not run.is_success or run.json()["state"] != "finished"]
        if not left:
            break
        assert time.monotonic() < deadline, left
        for name in left if not is_open else []:
            if studio.ask("POST", f"/api/runs/{name}/resume") is None:
                job = max(
                    (each for each in jobs if each["details"].get("run") == name), key=lambda each: each["created"]
                )
                studio.ask("POST", f"/api/jobs/{job['id']}/resume")
        time.sleep(0.3)
    for name in seen.runs:
        steps = [line["step"] for line in read(RunDir(studio.folder / "runs" / name).metrics)]
        assert steps == sorted(set(steps))
        assert (studio.folder / "runs" / name / "adapter" / "adapter_model.safetensors").is_file()
