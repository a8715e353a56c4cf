"""A studio of an empty folder, asked in this process as a browser asks it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.testclient import TestClient

from offbook.studio.app import LanguageOfRequest, create_app
from offbook.studio.context import Studio
from offbook.studio.guard import StudioGuard
from offbook.studio.queue import JobQueue
from offbook.studio.workspace import Workspace

ADDRESS = "http://127.0.0.1:8600"
TOKEN = "the-token-of-the-tests"
PLAY = """\
ANN: Is the stove lit?

BOB: Since four, and it smokes.

ANN: Then open the window.

BOB: The window has been open since Sunday.

ANN: Will you sing tonight?

BOB: Only if nobody listens to me.
"""


class Client:
    """What a page does: asks, uploads, waits for jobs.

    Args:
        http: the client that shows the token.
        studio: what answers it.
    """

    def __init__(self, http: TestClient, studio: Studio) -> None:
        self.http = http
        self.studio = studio

    def get(self, path: str, status: int = 200, **options: Any) -> Any:
        return self._json(self.http.get(path, **options), status)

    def post(self, path: str, body: Any = None, status: int | None = None) -> Any:
        return self._json(self.http.post(path, json={} if body is None else body), status)

    def patch(self, path: str, body: Any, status: int | None = None) -> Any:
        return self._json(self.http.patch(path, json=body), status)

    def delete(self, path: str, status: int | None = None) -> Any:
        return self._json(self.http.delete(path), status)

    def upload(self, name: str, content: bytes, status: int = 201) -> Any:
        headers = {"Content-Type": "application/octet-stream"}
        response = self.http.post("/api/sources", params={"name": name}, content=content, headers=headers)
        return self._json(response, status)

    def wait(self, job: dict[str, Any], state: str = "done", seconds: float = 240) -> dict[str, Any]:
        """The job when it is over (or in a state that it passes through)."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            current: dict[str, Any] = self.get(f"/api/jobs/{job['id']}")
            if current["state"] == state or current["state"] not in ("queued", "running"):
                assert current["state"] == state, current
                return current
            time.sleep(0.2)
        raise AssertionError(f"still {current['state']} after {seconds} s: {current}\n{self._stacks(job['id'])}")

    def _stacks(self, name: str) -> str:
        """Where a job hangs: all that it printed, with the stack of each thread that it prints as it is aborted."""
        job = self.studio.queue.get(name)
        if process := job.process:
            process.send_signal(signal.SIGABRT)  # what PYTHONFAULTHANDLER answers
            time.sleep(2)
        return (job.folder / "stderr").read_text(encoding="utf-8", errors="replace")

    @staticmethod
    def _json(response: Any, status: int | None) -> Any:
        assert response.status_code == status or (status is None and response.is_success), response.text
        return response.json()


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.delenv("OFFBOOK_RUNS", raising=False)
    monkeypatch.setenv("PYTHONFAULTHANDLER", "1")
    workspace = Workspace(tmp_path / "workspace")
    workspace.root.mkdir()
    queue = JobQueue(workspace.jobs, workspace.root)
    queue.start()
    yield Studio(workspace, queue, "offbook-studio-8600", TOKEN)
    for job in queue.list():
        job.kill()
    queue.stop()


@pytest.fixture
def run(studio: Studio) -> Path:
    """The folder of a finished run of a terminal, as far as pages look at it."""
    folder = studio.workspace.runs / "Ann"
    (folder / "adapter").mkdir(parents=True)
    (folder / "run.yaml").write_text("name: Ann\npersona: {name: Hamlet}\ndata: {source: elsewhere.json}\n")
    (folder / "adapter" / "persona.json").write_text("{}")
    (folder / "metrics.jsonl").write_text('{"step": 0, "heldout_loss": 3.0}\n{"step": 4, "heldout_loss": 2.5}\n')
    return folder


@pytest.fixture
def http(studio: Studio) -> Iterator[TestClient]:
    """A client that has not shown the token."""
    app = StudioGuard(LanguageOfRequest(create_app(studio)), host="127.0.0.1", token=studio.token, cookie=studio.cookie)
    with TestClient(cast("Any", app), base_url=ADDRESS, follow_redirects=False) as client:
        client.headers["Accept-Language"] = "en"
        yield client


@pytest.fixture
def client(http: TestClient, studio: Studio) -> Client:
    """A client that has it."""
    http.headers["Authorization"] = f"Bearer {TOKEN}"
    return Client(http, studio)
