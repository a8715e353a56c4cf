"""The studio's process: one for a folder, with an address that is enough to get in, and no other way."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from offbook.studio.jobs import JobRequest, create

COMMAND = [sys.executable, "-m", "offbook", "studio"]


def environment(**changes: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("OFFBOOK_API_KEY", "OFFBOOK_RUNS")}
    return {**kept, **changes}


@pytest.mark.timeout(600)
def test_a_folder_has_one_studio(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    command = [*COMMAND, str(folder), "--no-open", "--port", "0"]
    with subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True) as studio:
        assert studio.stderr is not None
        line = studio.stderr.readline()
        match = re.search(r"(http://127\.0\.0\.1:\d+/)\?token=\S+", line)
        assert match, line
        with httpx2.Client(trust_env=False, follow_redirects=True) as browser:
            assert browser.get(match[1]).status_code == 401
            assert "text/html" in browser.get(match[0]).headers["content-type"]
            assert browser.get(f"{match[1]}api/home").json()["workspace"] == str(folder.resolve())
            assert browser.get(match[1], headers={"Host": "evil.example"}).status_code == 403
        second = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
        assert second.returncode == 2
        assert match[1] in second.stderr
        token = (folder / ".studio" / "token").read_text().strip()
        assert token in line
        assert (folder / ".studio" / "token").stat().st_mode & 0o077 == 0
        studio.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 120
        while studio.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert studio.returncode in (143, -signal.SIGTERM)
    assert not (folder / ".studio" / "address").exists()


@pytest.mark.timeout(600)
def test_a_studio_ends_without_a_traceback_while_pages_watch(tmp_path: Path) -> None:
    command = [*COMMAND, str(tmp_path), "--no-open", "--port", "0"]
    with subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True) as studio:
        assert studio.stderr is not None
        match = re.search(r"(http://127\.0\.0\.1:\d+/)\?token=(\S+)", studio.stderr.readline())
        assert match
        waiting = create(tmp_path / ".studio" / "jobs", JobRequest("train", "Ann", ["--version"]))
        header = {"Authorization": f"Bearer {match[2]}"}
        with (
            httpx2.Client(trust_env=False, headers=header, timeout=60) as browser,
            browser.stream("GET", f"{match[1]}api/jobs/{waiting.id}/events") as events,
        ):
            received = events.iter_raw()
            assert b"queued" in next(received)
            studio.send_signal(signal.SIGINT)
            assert list(received) == [], "the stream ends as one that is over"
        assert "error" not in studio.stderr.read().lower()


@pytest.mark.timeout(600)
def test_other_computers_need_a_key(tmp_path: Path) -> None:
    command = [*COMMAND, str(tmp_path), "--no-open", "--port", "0", "--host", "0.0.0.0"]
    refused = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "OFFBOOK_API_KEY" in refused.stderr
    assert not (tmp_path / ".studio").exists()
