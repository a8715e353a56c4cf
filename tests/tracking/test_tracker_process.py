"""A tracker is a guest: whatever it does, the run goes on, and the user is told."""

import os
import signal
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from offbook.tracking import tracker_process as guests
from offbook.tracking.tracker_process import TrackerProcess
from offbook.tracking.trackers import INTEGRATIONS
from tests.recorder import Recorder

SETTINGS = {
    "project": "offbook",
    "name": "甄嬛 1",
    "id": "abc",
    "config": {"train": {"epochs": 3}},
    "mode": "offline",
    "host": None,
}


def invite(tmp_path: Path, name: str = "swanlab", **changes: Any) -> Any:
    recorder = Recorder()
    settings = {**SETTINGS, "folder": str(tmp_path / "swanlog"), **changes}
    return TrackerProcess(name, settings, tmp_path / "swanlog" / f"{name}.log", recorder), recorder


@pytest.fixture
def bad_guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A tracker process that runs the given code in place of a tracker."""

    def write(code: Any) -> Any:
        script = tmp_path / "bad.py"
        script.write_text(textwrap.dedent(code))
        monkeypatch.setattr(guests, "COMMAND", [sys.executable, str(script)])
        monkeypatch.setattr(guests, "FINISH_SECONDS", 1.0)
        return invite(tmp_path, "bad")

    return write


@pytest.mark.parametrize("mode", ["offline", "local"])
def test_swanlab_writes_without_network_or_account(tmp_path: Path, mode: Any) -> None:
    tracker, recorder = invite(tmp_path, mode=mode)
    for step in range(3):
        tracker({"step": step, "loss": 2.0 - step, "epoch": step / 3})
    tracker.text(2, {"你是谁？": "家父是大理寺少卿甄远道。"})
    tracker.finish()
    assert recorder.warnings == []
    records = list((tmp_path / "swanlog").rglob("run-*.swanlab"))
    assert len(records) == 1
    assert records[0].stat().st_size > 500
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "swanlog").rglob("media/text/*.txt")]
    assert texts == ["家父是大理寺少卿甄远道。"]


def test_18_swanlab_online_without_a_key_warns_and_does_not_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SWANLAB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    tracker, recorder = invite(tmp_path, mode="online")
    tracker({"step": 1, "loss": 1.0})
    tracker.finish()
    assert len(recorder.warnings) == 1
    assert "API key" in recorder.warnings[0]


def test_18_swanlab_online_without_a_network_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key is there, and nobody answers."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("SWANLAB_API_KEY", "x" * 21)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(guests, "FINISH_SECONDS", 3.0)
    tracker, recorder = invite(tmp_path, mode="online", host="http://127.0.0.1:9")
    began = time.monotonic()
    for step in range(100):
        tracker({"step": step, "loss": 1.0})
    tracker.finish()
    assert time.monotonic() - began < 10
    assert len(recorder.warnings) == 1
    assert recorder.warnings[0].startswith("swanlab")


def test_18_a_tracker_that_cannot_even_start_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "swanlog").write_text("a file where its folder should be")
    tracker, recorder = invite(tmp_path)
    tracker({"step": 1, "loss": 1.0})
    tracker.finish()
    assert len(recorder.warnings) == 1
    assert "swanlab could not start" in recorder.warnings[0]


def test_18_a_tracker_that_raises_is_a_warning(bad_guest: Any) -> None:
    tracker, recorder = bad_guest("import sys; sys.stdin.readline(); raise RuntimeError('no more paper')")
    time.sleep(0.3)
    for step in range(1000):
        tracker({"step": step, "loss": 1.0})
    tracker.finish()
    assert len(recorder.warnings) == 1
    assert "no more paper" in recorder.warnings[0]


def test_18_a_tracker_that_hangs_is_given_up(bad_guest: Any) -> None:
    tracker, recorder = bad_guest("import time; time.sleep(600)")
    began = time.monotonic()
    for step in range(5000):  # far more than a pipe holds
        tracker({"step": step, "loss": 1.0})
    assert time.monotonic() - began < 1
    tracker.finish()
    assert time.monotonic() - began < 5
    assert "given up" in recorder.warnings[0]


def test_18_a_tracker_cannot_prompt(bad_guest: Any) -> None:
    """Its standard input is the run's lines, and there is no terminal to read from."""
    tracker, recorder = bad_guest("open('/dev/tty')")
    tracker.finish()
    assert len(recorder.warnings) == 1


def test_the_runs_ctrl_c_does_not_reach_a_tracker(tmp_path: Path) -> None:
    tracker, _ = invite(tmp_path)
    assert os.getpgid(tracker._process.pid) != os.getpgid(os.getpid())
    tracker.finish()


def test_a_killed_run_leaves_a_tracker_that_closes_in_order(tmp_path: Path) -> None:
    """SwanLab itself leaves an empty record when its process is killed; as a guest it sees its input end."""
    code = f"""
        import os, signal, time
        from pathlib import Path
        from offbook.core.progress import NullReporter
        from offbook.tracking.tracker_process import TrackerProcess
        settings = {SETTINGS | {"folder": str(tmp_path)}!r}
        guest = TrackerProcess("swanlab", settings, Path({str(tmp_path)!r}) / "swanlab.log", NullReporter())
        for step in range(20):
            guest({{"step": step, "loss": 1.0}})
        time.sleep(1)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert os.spawnl(os.P_WAIT, sys.executable, sys.executable, "-c", textwrap.dedent(code)) == -signal.SIGKILL
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if any(path.stat().st_size > 500 for path in tmp_path.rglob("run-*.swanlab")):
            return
        time.sleep(0.2)
    raise AssertionError("the record stayed empty")


def test_the_names_of_the_integrations_are_transformers_own() -> None:
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

    assert set(INTEGRATION_TO_CALLBACK) == INTEGRATIONS
