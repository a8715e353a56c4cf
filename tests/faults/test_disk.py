"""Disks that are full, too small, read-only or broken (faults 3, 4, 8, 19)."""

from __future__ import annotations

import errno
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import offbook
from offbook.core import atomic
from offbook.core.config.loading import load
from offbook.core.errors import OffbookError, UsageError
from offbook.core.progress import Event, Progress
from offbook.core.rundir import RunDir
from offbook.pipeline import training
from offbook.tracking import tracker_process as guests
from offbook.tracking.tracker_process import TrackerProcess
from offbook.training.checkpoint import CheckpointStore
from tests.faults.common import adapter_bytes, fill
from tests.recorder import Recorder

MIB = 2**20


@pytest.mark.parametrize("leave", [0, 60_000, 150_000])
def test_3_a_disk_that_fills_up_keeps_what_was_saved(
    small_disk: Callable[[int], Path], settings: Any, trained: Path, monkeypatch: pytest.MonkeyPatch, leave: int
) -> None:
    """Room for nothing at all, for half an adapter, for half an optimizer."""
    disk = small_disk(56 * MIB)
    monkeypatch.setenv("OFFBOOK_RUNS", str(disk))

    class Filler(Recorder):
        def emit(self, event: Event) -> None:
            if isinstance(event, Progress) and (event.unit, event.done) == ("step", 7) and event.heldout_loss is None:
                fill(disk, leave)

    with pytest.raises(OffbookError, match="the disk is full") as failure:
        offbook.train(load(None, settings), reporter=Filler())
    assert failure.value.exit_code == 1
    assert f"free in {disk / 'tiny'}, a checkpoint takes 272 KiB: " in failure.value.what
    run = RunDir(disk / "tiny")
    assert CheckpointStore(run.checkpoints).newest() == (run.checkpoints / "step-000005", [])
    (disk / "filler").unlink()
    offbook.train(load(None, settings), resume=True)
    assert adapter_bytes(run) == adapter_bytes(RunDir(trained))


def test_4_too_small_a_disk_is_refused_before_the_first_step(
    small_disk: Callable[[int], Path], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = small_disk(20 * MIB)
    monkeypatch.setenv("OFFBOOK_RUNS", str(disk))
    with pytest.raises(UsageError, match=r"the run needs 51\.\d MiB on disk, (19\.\d|20\.0) MiB are free in"):
        offbook.train(load(None, settings))
    assert not (disk / "tiny" / "run.yaml").exists()


@pytest.fixture
def read_only(small_disk: Callable[[int], Path], tmp_path: Path) -> Callable[[], Path]:
    """A place with a folder `there`, in which nothing can be written: not even root writes on a read-only disk."""

    def make() -> Path:
        place = small_disk(MIB) if os.geteuid() == 0 else tmp_path / "place"
        (place / "there").mkdir(parents=True)
        if os.geteuid() == 0:
            subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        else:
            for folder in (place / "there", place):
                folder.chmod(0o555)
        return place

    return make


def test_8_a_read_only_place_is_refused_before_the_model_loads(
    read_only: Callable[[], Path], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = read_only()
    monkeypatch.setattr(training, "prepare_training", lambda *args: pytest.fail("the model was loaded"))
    monkeypatch.setenv("OFFBOOK_RUNS", str(place))
    for name in ("there", "absent"):
        with pytest.raises(UsageError, match=r"cannot write in .*: (Read-only file system|Permission denied)"):
            offbook.train(load(None, {**settings, "name": name}))


def test_19_a_trackers_full_disk_is_a_warning(
    small_disk: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = small_disk(200_000)
    fill(disk, 20_000)
    monkeypatch.setattr(guests, "FINISH_SECONDS", 3.0)
    recorder = Recorder()
    settings: dict[str, Any] = {"project": "p", "name": "n", "id": "x", "config": {}, "mode": "offline", "host": None}
    tracker = TrackerProcess("swanlab", {**settings, "folder": str(disk)}, disk / "swanlab.log", recorder)
    for step in range(2000):
        tracker({"step": step, "loss": 1.0, "epoch": 0.5})
    began = time.monotonic()
    tracker.finish()
    assert time.monotonic() - began < 10
    assert all(text.startswith("swanlab") for text in recorder.warnings)


def test_a_disk_that_fails_is_told_without_a_traceback(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    monkeypatch.setattr(atomic, "sync", broken)
    with pytest.raises(OffbookError, match=r"the disk failed: .*Input/output error"):
        offbook.train(load(None, settings))


def test_a_folder_that_made_way_comes_back(tmp_path: Path) -> None:
    """A writer died between the renames of `atomic_dir`."""
    target = tmp_path / "target"
    target.mkdir()
    (target / "file").write_text("old")
    target.rename(tmp_path / ".old-target")
    with pytest.raises(RuntimeError), atomic.atomic_dir(target):
        raise RuntimeError
    assert (target / "file").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
