"""What a run leaves while it trains: metrics, sample replies, and whatever its trackers make of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, Self

import torch

from offbook.core.metrics_log import MetricsLog
from offbook.core.progress import Reporter
from offbook.core.rundir import RunDir
from offbook.training.batch_sampler import BatchSampler
from offbook.training.estimate import peak_memory
from offbook.training.heldout_monitor import Samples
from offbook.training.trainer import StepCallback


class Tracker(Protocol):
    """Where lines of metrics and sample replies are shown (see `offbook.tracking`)."""

    def __call__(self, line: dict[str, Any]) -> None:
        """Take a line of metrics."""
        ...

    def text(self, step: int, samples: Samples) -> None:
        """Take a step's sample replies."""
        ...

    def finish(self) -> None:
        """Close its files."""
        ...


class RunRecorder(StepCallback):
    """Writes metrics.jsonl and the samples log, and passes both on to the trackers.

    Everything that is known about a step becomes one line, written when the step is over: step, epoch, loss,
    learning_rate, grad_norm, tokens_per_second, memory_bytes, and heldout_loss where it was taken.

        with recorder:
            recorder.trackers += start_trackers()
            trainer.train()

    Leaving the block writes the last line and lets the trackers finish; after a KeyboardInterrupt they are left to
    close by themselves when they see their input end.

    Args:
        run: the run folder.
        sampler: the run's steps, for epochs and progress.
        reporter: shown every step and every held-out loss.
        device: the device whose peak memory is recorded.
        progress: of the checkpoint that the run goes on from; None starts anew. It holds the lines of the steps before
            it, so that nothing depends on what has become of the files since.
    """

    def __init__(
        self,
        run: RunDir,
        sampler: BatchSampler,
        reporter: Reporter,
        device: torch.device,
        *,
        progress: Mapping[str, Any] | None = None,
    ) -> None:
        self.sampler = sampler
        self.reporter = reporter
        self.device = device
        self.trackers: list[Tracker] = []
        self._metrics = MetricsLog(run.metrics, progress["metrics"] if progress else ())
        self._samples = MetricsLog(run.samples_log, progress["samples"] if progress else ())
        self._line: dict[str, Any] = {}
        self._losses: list[float] = []
        self._tokens = 0
        self._seconds = 0.0
        self._step_start = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.flush()
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            return
        for tracker in self.trackers:
            tracker.finish()

    def record_samples(self, step: int, samples: Samples) -> None:
        """Write a step's replies to the sample prompts."""
        self._samples({"step": step, "samples": samples})
        for tracker in self.trackers:
            tracker.text(step, samples)

    def flush(self) -> None:
        """Write the line of the step that is over; nothing if it has none."""
        if len(self._line) > 2:
            self._line["memory_bytes"] = peak_memory(self.device)
            self._metrics(self._line)
            for tracker in self.trackers:
                tracker(self._line)
        self._line = {}

    def on_step_loss(self, loss: float, tokens: int) -> None:
        """Add a step's loss to the mean of the next line."""
        self._losses.append(loss)
        self._tokens += tokens

    def state_dict(self) -> dict[str, Any]:
        """Write what is known to disk, and return what a resumed run needs so that its next line is the same."""
        self.flush()
        pending = {"losses": self._losses, "tokens": self._tokens, "seconds": self._seconds}
        return {**pending, "metrics": self._metrics.lines, "samples": self._samples.lines}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self._losses, self._tokens, self._seconds = state["losses"], state["tokens"], state["seconds"]

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.flush()
        self._step_start = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._seconds += time.perf_counter() - self._step_start
        speed = self._tokens / self._seconds
        self.reporter.progress(state.global_step, len(self.sampler), loss=self._losses[-1], tokens_per_second=speed)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        logs = logs or {}
        if self._line.get("step") != state.global_step:
            self.flush()
            self._line = {"step": state.global_step, "epoch": round(self.sampler.epoch(state.global_step), 4)}
        if "heldout_loss" in logs:
            self._line["heldout_loss"] = logs["heldout_loss"]
            self.reporter.progress(state.global_step, len(self.sampler), heldout_loss=logs["heldout_loss"])
        elif "loss" in logs:
            self._line["loss"] = sum(self._losses) / len(self._losses)
            self._line |= {key: logs[key] for key in ("learning_rate", "grad_norm") if key in logs}
            self._line["tokens_per_second"] = round(self._tokens / self._seconds, 1)
            self._losses, self._tokens, self._seconds = [], 0, 0.0

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.flush()
