"""One line a step, whoever knows a part of it; and every tracker closed, but not after a Ctrl-C."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from offbook.core.metrics_log import read
from offbook.core.progress import NullReporter
from offbook.core.rundir import RunDir
from offbook.training.batch_sampler import BatchSampler
from offbook.training.run_recorder import RunRecorder
from tests.training.samples import examples


class KeepingTracker:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.samples: list[tuple[Any, Any]] = []
        self.finished = False

    def __call__(self, line: Any) -> None:
        self.lines.append(dict(line))

    def text(self, step: Any, samples: Any) -> None:
        self.samples.append((step, samples))

    def finish(self) -> None:
        self.finished = True


@pytest.fixture
def run(tmp_path: Path) -> Any:
    return RunDir(tmp_path)


def recorder(run: Any, **options: Any) -> Any:
    sampler = BatchSampler(examples(8), batch_size=3, epochs=1, seed=0)
    return RunRecorder(run, sampler, NullReporter(), torch.device("cpu"), **options)


def take_step(recorder: Any, step: Any, loss: Any, *, log: Any = True) -> None:
    recorder.on_step_begin(None, SimpleNamespace(global_step=step - 1), None)
    recorder.on_step_loss(loss, tokens=100)
    state = SimpleNamespace(global_step=step)
    recorder.on_step_end(None, state, None)
    if log:
        recorder.on_log(None, state, None, logs={"loss": 99.0, "learning_rate": 0.1, "grad_norm": 2.0})


def test_a_line_holds_the_mean_since_the_last_one_and_the_heldout_loss(run: Any) -> None:
    with recorder(run) as writer:
        writer.trackers.append(tracker := KeepingTracker())
        take_step(writer, 1, 4.0, log=False)
        take_step(writer, 2, 3.0)
        writer.on_log(None, SimpleNamespace(global_step=2), None, logs={"heldout_loss": 2.5})
        take_step(writer, 3, 1.0)
    first, second = read(run.metrics)
    assert (first["step"], first["loss"], first["heldout_loss"], first["learning_rate"]) == (2, 3.5, 2.5, 0.1)
    assert first["epoch"] == pytest.approx(2 / 3, abs=1e-4)
    assert first["tokens_per_second"] > 0
    assert first["memory_bytes"] > 0
    assert (second["step"], second["loss"]) == (3, 1.0)
    assert [line["step"] for line in tracker.lines] == [2, 3]


def test_samples_go_to_their_log_and_to_the_trackers(run: Any) -> None:
    with recorder(run) as writer:
        writer.trackers.append(tracker := KeepingTracker())
        writer.record_samples(5, {"Who are you?": "No one."})
    assert json.loads(run.samples_log.read_text()) == {"step": 5, "samples": {"Who are you?": "No one."}}
    assert tracker.samples == [(5, {"Who are you?": "No one."})]


@pytest.mark.parametrize(("error", "finished"), [(None, True), (ValueError, True), (KeyboardInterrupt, False)])
def test_trackers_finish_whatever_happens_but_nobody_waits_after_a_ctrl_c(run: Any, error: Any, finished: Any) -> None:
    tracker = KeepingTracker()
    try:
        with recorder(run) as writer:
            writer.trackers.append(tracker)
            take_step(writer, 1, 4.0)
            if error is not None:
                raise error
    except BaseException as raised:
        assert type(raised) is error
    assert tracker.finished == finished
    assert [line["step"] for line in read(run.metrics)] == [1]


def test_a_resumed_recorder_writes_the_line_that_an_undisturbed_one_writes(run: Any, tmp_path: Path) -> None:
    with recorder(run) as complete:
        take_step(complete, 1, 4.0)
        take_step(complete, 2, 3.0, log=False)
        state = json.loads(json.dumps(complete.state_dict()))
        take_step(complete, 3, 2.0)
    expected = read(run.metrics)
    run.metrics.write_text("somebody was here")
    with recorder(run, progress=state) as resumed:
        assert [line["step"] for line in read(run.metrics)] == [1]
        resumed.load_state_dict(state)
        take_step(resumed, 3, 2.0)
    clock = ("tokens_per_second", "memory_bytes")
    strip = [{key: value for key, value in line.items() if key not in clock} for line in read(run.metrics)]
    assert strip == [{key: value for key, value in line.items() if key not in clock} for line in expected]
    assert strip[-1]["loss"] == 2.5
