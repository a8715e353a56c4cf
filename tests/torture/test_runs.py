"""A few deaths of each kind, quick enough for every test run; `test_torture.py` has the many."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import offbook
from offbook.core.config.loading import load
from offbook.core.errors import UsageError
from offbook.core.rundir import RunDir
from tests.tiny import tiny_folder, tiny_model
from tests.torture import shim
from tests.torture.conftest import Whole, ends_alike
from tests.torture.stage import ROOT, Stage

Make = Callable[[str], Whole]


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.parametrize("path", ["fast", "plain"])
def test_1_a_run_killed_again_and_again_ends_with_the_same_bits(
    stage: Stage, undisturbed: Make, tmp_path: Path, path: str
) -> None:
    model, uniforms = undisturbed(path), random.Random(path)
    for _ in range(3):
        stage.begin(model.settings, tmp_path, "--resume")
        time.sleep(uniforms.uniform(0.2, 0.8) * model.seconds)
        stage.signal(signal.SIGKILL)
        stage.end()
    assert ends_alike(stage, model, tmp_path)


def test_2_9_every_call_that_fails_or_kills_leaves_old_or_new(tmp_path: Path) -> None:
    """A checkpoint with its rotation, a folder that is replaced, a file that is replaced."""
    if shim.library() is None:
        pytest.skip("no C compiler: the shim that fails the Nth call cannot be built")
    done = subprocess.run(
        [sys.executable, "-m", "tests.torture.every_call", tmp_path],
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": str(shim.library())},
        check=True,
        capture_output=True,
    )
    for way, actions in json.loads(done.stdout).items():
        for action, counts in actions.items():
            assert set(counts) == {"old", "new"}, (way, action, counts)
            assert sum(counts.values()) >= 6


def test_10_a_second_process_is_told_the_pid_and_a_stale_lock_does_not_hold(
    stage: Stage, undisturbed: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = undisturbed("fast")
    monkeypatch.setenv("OFFBOOK_RUNS", str(tmp_path))
    stage.begin(model.settings, tmp_path)
    wait_for(tmp_path / "tiny" / "metrics.jsonl")
    with pytest.raises(UsageError, match=rf"being written by another process \(PID {stage.pid}\)"):
        offbook.train(load(None, model.settings), resume=True)
    stage.signal(signal.SIGKILL)
    stage.end()
    assert RunDir(tmp_path / "tiny").writer.exists()
    assert ends_alike(stage, model, tmp_path)


@pytest.mark.parametrize("free_mib", [40, 320])
def test_17_exhausted_memory_names_the_option_and_its_number(
    stage: Stage, undisturbed: Make, tmp_path: Path, free_mib: int
) -> None:
    """With 40 MiB the model does not load, with 320 MiB its largest pass does not fit.

    (Where a few MiB are lacking rather than a few hundred, a native library may die of it without a word.)
    """
    folder = tiny_folder(tmp_path / "wide")
    tiny_model(hidden_size=512, intermediate_size=4096).save_pretrained(folder)
    output = {**undisturbed("fast").settings, "model.source": str(folder), "train.batch_size": 24}
    code, texts = stage.begin(output, tmp_path / "runs", memory=free_mib * 2**20).end()
    assert code == 1, texts
    assert "out of memory with micro-batches of up to 2048 tokens" in texts
    assert "--train.max_tokens_per_micro_batch 1024" in texts
    assert "Traceback" not in texts
