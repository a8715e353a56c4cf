"""What happens to a run, or in it (faults 10, 12, 15, 16, 17, 18)."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import offbook
from offbook.cli.main import main
from offbook.core import run_lock
from offbook.core.config.loading import load
from offbook.core.errors import OffbookError, UsageError
from offbook.core.progress import NullReporter
from offbook.core.run_lock import training_lock
from offbook.core.rundir import RunDir
from offbook.pipeline import training
from offbook.tracking import tracker_process as guests
from offbook.tracking.tracker_process import TrackerProcess
from offbook.training import fast_path
from offbook.training.checkpoint import CheckpointStore
from offbook.training.trainer import StepTrainer
from tests.faults.common import adapter_bytes
from tests.recorder import Recorder


def test_10_a_tracker_does_not_inherit_the_lock(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a tracker that hangs would keep a killed run locked."""
    monkeypatch.setattr(guests, "COMMAND", [sys.executable, "-c", "import time; time.sleep(60)"])
    monkeypatch.setattr(guests, "FINISH_SECONDS", 0.1)
    run = RunDir(runs / "a")
    with training_lock(run, resume=False, overwrite=False):
        tracker = TrackerProcess("hangs", {}, tmp_path / "log", NullReporter())
    with training_lock(run, resume=True, overwrite=False):
        assert tracker._process is not None
        assert tracker._process.poll() is None
    tracker.finish()


def test_12_the_second_ctrl_c_stops_at_once_and_loses_nothing(
    settings: Any, runs: Path, trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original = fast_path.loss_sum

    def interrupted(model: Any, batch: Any) -> Any:
        if (runs / "tiny" / "checkpoints" / "step-000005").exists():
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)
        return original(model, batch)

    with monkeypatch.context() as patch:
        patch.setattr(fast_path, "loss_sum", interrupted)
        with pytest.raises(SystemExit) as ended:
            main(["train", *(word for key, value in settings.items() for word in (f"--{key}", json.dumps(value)))])
    assert ended.value.code == 130
    texts = capsys.readouterr().err
    assert "Press Ctrl-C again" in texts
    assert "Stopped at once" in texts
    assert "Traceback" not in texts
    run = RunDir(runs / "tiny")
    assert CheckpointStore(run.checkpoints).newest() == (run.checkpoints / "step-000005", [])
    assert not run.writer.exists()
    offbook.train(load(None, settings), resume=True)
    assert adapter_bytes(run) == adapter_bytes(RunDir(trained))


class Bent(torch.autograd.Function):
    """A loss that looks well, and a gradient that is not."""

    @staticmethod
    def forward(context: Any, loss: torch.Tensor) -> torch.Tensor:
        return loss.clone()

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> torch.Tensor:
        return gradients[0] * float("inf")


BENDS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "loss of step 6 is nan": lambda loss: loss * float("nan"),
    "loss of step 6 is inf": lambda loss: loss * float("inf"),
    "gradient of step 6 is (nan|inf)": Bent.apply,
}


@pytest.mark.parametrize("texts", BENDS)
def test_15_divergence_keeps_the_last_good_checkpoint(
    settings: Any, runs: Path, monkeypatch: pytest.MonkeyPatch, texts: str
) -> None:
    original = fast_path.loss_sum
    fifth = runs / "tiny" / "checkpoints" / "step-000005"

    def bent(model: Any, batch: Any) -> torch.Tensor:
        loss = original(model, batch)
        return BENDS[texts](loss) if fifth.exists() else loss

    monkeypatch.setattr(fast_path, "loss_sum", bent)
    with pytest.raises(OffbookError, match=rf"{texts} \(rows: .*lines.json:\d+") as failure:
        offbook.train(load(None, settings))
    assert failure.value.exit_code == 1
    assert CheckpointStore(fifth.parent).newest() == (fifth, [])


@pytest.mark.parametrize(
    ("changes", "texts"),
    [
        ({"data.max_length": 16}, "max_length"),
        ({"data.max_length": 16, "data.on_error": "skip"}, "no row has anything to learn within data.max_length"),
        ({"lora.target_modules": []}, "lora.target_modules"),
        ({"lora.target_modules": ["query"]}, "no layer named query"),
    ],
    ids=["cut", "all-cut", "no-module", "absent-module"],
)
def test_16_nothing_to_learn_is_told_before_training(
    settings: Any, runs: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], texts: str
) -> None:
    monkeypatch.setattr(StepTrainer, "train", lambda *args, **kwargs: pytest.fail("training began"))
    with pytest.raises(UsageError, match=texts) as refused:
        offbook.train(load(None, {**settings, **changes}))
    assert refused.value.exit_code == 2
    assert not (runs / "tiny" / "run.yaml").exists()


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("import sys; sys.stdin.readline(); raise RuntimeError('no more paper')", "no more paper"),
        ("import time; time.sleep(60)", "given up"),
        ("input('Your key: '); open('/dev/tty').readline()", "failed"),
        ("import os; os.close(0); os.abort()", "exit code -6"),
    ],
    ids=["raises", "hangs", "prompts", "dies"],
)
def test_18_a_run_ends_as_without_its_tracker(
    settings: Any, trained: Path, monkeypatch: pytest.MonkeyPatch, code: str, texts: str
) -> None:
    monkeypatch.setattr(guests, "COMMAND", [sys.executable, "-c", code])
    monkeypatch.setattr(guests, "FINISH_SECONDS", 0.5)
    recorder = Recorder()
    run = offbook.train(load(None, {**settings, "track.trackers": ["swanlab"]}), reporter=recorder)
    assert adapter_bytes(run) == adapter_bytes(RunDir(trained))
    (warning,) = recorder.warnings
    assert "swanlab" in warning
    assert texts in warning


def test_17_a_kill_for_want_of_memory_is_recognised(
    unfinished: RunDir, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vmstat = tmp_path / "vmstat"
    monkeypatch.setattr(run_lock, "VMSTAT", vmstat)
    advice = "--train.max_tokens_per_micro_batch 1024"

    def warnings(kills: int, *, left: str | None = None, peak: int = 0) -> list[str]:
        """What the next start says after a writer that began at 4 kills."""
        vmstat.write_text(f"pgfault 7\noom_kill {kills}\n")
        if left:
            unfinished.writer.write_text(left)
        monkeypatch.setattr(training, "prepare_training", lambda *args: pytest.fail("far enough"))
        unfinished.metrics.write_text(json.dumps({"step": 1, "memory_bytes": peak}) + "\n")
        recorder = Recorder()
        with pytest.raises(pytest.fail.Exception):
            offbook.train(load(None, settings), resume=True, reporter=recorder)
        return [text for text in recorder.texts if "memory ran out" in text]

    assert warnings(5) == []  # the last writer ended by itself
    assert warnings(4, left="123 4") == []  # it was killed, but not for memory
    assert advice in warnings(5, left="123 4")[0]
    assert advice in warnings(4, left="123 4", peak=2**60)[0]
