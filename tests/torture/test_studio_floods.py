"""Hundreds of streams, many of them never read, and a long queue: the studio goes on answering, and stays small."""

from __future__ import annotations

import socket
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import psutil
import pytest

from offbook.core.run_lock import training_lock
from offbook.core.rundir import RunDir
from offbook.studio.jobs import JobRequest, create
from offbook.studio.queue import MAX_WAITING
from offbook.studio.sse import MAX_STREAMS
from tests.studio.pages import StudioProcess, running_studio

pytestmark = [pytest.mark.torture, pytest.mark.timeout(300)]

CONNECTIONS = 600
LINES = 20_000
"""Of the metrics that each stream brings: two megabytes, more than the system holds for a client that does not read."""


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[StudioProcess]:
    """A studio with a run under way, and with as many ended jobs as it keeps."""
    folder = tmp_path / "studio"
    for number in range(1000):
        job = create(folder / ".studio" / "jobs", JobRequest("check", f"Ann {number}", ["--version"], created=number))
        (job.folder / "pid").write_text("1 1")
        (job.folder / "rc").write_text("0")
    run = RunDir(folder / "runs" / "Ann")
    run.path.mkdir(parents=True)
    run.config.write_text("name: Ann\n")
    run.metrics.write_text("".join(f'{{"step": {step}, "loss": 2.5, "text": "{"x" * 60}"}}\n' for step in range(LINES)))
    with running_studio(folder) as it, training_lock(run, resume=False, overwrite=True):
        yield it


def open_stream(studio: StudioProcess) -> socket.socket:
    """Ask for the run's stream, and read nothing."""
    place = urlsplit(studio.address)
    connection = socket.create_connection((place.hostname or "", place.port or 0), timeout=20)
    head = f"GET /api/runs/Ann/stream HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {studio.token}\r\n\r\n"
    connection.sendall(head.encode())
    return connection


def seconds_of_answers(http: httpx2.Client, path: str) -> list[float]:
    """How long each of some requests takes."""
    times = []
    for _ in range(20):
        began = time.monotonic()
        assert http.get(path).is_success
        times.append(time.monotonic() - began)
    return times


def test_a_flood_of_streams(studio: StudioProcess) -> None:
    process = psutil.Process(studio.process.pid)
    headers = {"Authorization": f"Bearer {studio.token}"}
    with httpx2.Client(base_url=studio.address, headers=headers, timeout=60, trust_env=False) as http:
        alone = statistics.median(seconds_of_answers(http, "/api/home"))
        before = process.memory_info().rss
        connections = [open_stream(studio) for _ in range(CONNECTIONS)]
        time.sleep(5)
        flooded = seconds_of_answers(http, "/api/home") + seconds_of_answers(http, "/api/jobs")
        grown, threads = (process.memory_info().rss - before) / 1e6, process.num_threads()
        print(f"home alone {alone:.3f} s; flooded {statistics.median(flooded):.3f}, worst {max(flooded):.3f} s")
        print(f"{grown:.0f} MB more, {threads} threads")
        assert max(flooded) < 3
        assert grown < 80
        assert threads < 80
        going_on = [number for number, each in enumerate(connections) if is_open(each)]
        assert len(going_on) == MAX_STREAMS
        assert going_on[0] > CONNECTIONS / 2, "the newest go on"
        for each in connections:
            each.close()
        time.sleep(2)
        spent = sum(process.cpu_times()[:2])
        time.sleep(10)
        assert sum(process.cpu_times()[:2]) - spent < 0.5, "nobody listens any more"


def is_open(connection: socket.socket) -> bool:
    """Whether the server still holds a connection, when all that it has sent is read."""
    connection.settimeout(0.5)
    try:
        while piece := connection.recv(2**20):
            if piece.endswith(b"0\r\n\r\n"):
                return False
    except TimeoutError:
        return True
    except ConnectionError:
        return False
    return False


def test_a_flood_of_jobs(studio: StudioProcess) -> None:
    headers = {"Authorization": f"Bearer {studio.token}"}
    with httpx2.Client(base_url=studio.address, headers=headers, timeout=60, trust_env=False) as http:
        answers = [http.post("/api/bases", json={"source": "hf:org/tiny"}).status_code for _ in range(3 * MAX_WAITING)]
        assert answers.count(200) >= MAX_WAITING
        assert answers[-1] == 409
        times = seconds_of_answers(http, "/api/jobs")
        print(f"a list of {MAX_WAITING} that wait and 1000 that have ended: {statistics.median(times):.3f} s")
        assert statistics.median(times) < 1
        for job in http.get("/api/jobs").json():
            if job["state"] in ("queued", "running"):
                assert http.post(f"/api/jobs/{job['id']}/cancel", json={}).status_code in (200, 409)
