"""What happens beside the training: metrics, checkpoints at the ends, signals."""

from __future__ import annotations

import resource
import signal
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import torch
from transformers import TrainerCallback

from offbook.core.report import Reporter
from offbook.train.plan import Plan


class Metrics(TrainerCallback):
    """Gathers what is known about a step into one line and hands it to `emit` when the step is over.

    Args:
        emit: takes a finished line: step, epoch, loss, learning_rate, grad_norm, tokens_per_second, memory_bytes, and
            heldout_loss where it was taken.
    """

    def __init__(self, plan: Plan, emit: Callable[[dict[str, Any]], None], reporter: Reporter) -> None:
        self.plan = plan
        self.emit = emit
        self.reporter = reporter
        self.line: dict[str, Any] = {}
        self.tokens = 0
        self.seconds = 0.0
        self.began = 0.0
        self.last_loss = float("nan")

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.flush()
        self.began = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.seconds += time.perf_counter() - self.began
        self.tokens += sum(len(example.ids) for example in self.plan[state.global_step - 1])
        self.reporter.step(state.global_step, len(self.plan), self.last_loss, self.tokens / self.seconds)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        logs = logs or {}
        self._start_line(state.global_step)
        if "heldout_loss" in logs:
            self.line["heldout_loss"] = logs["heldout_loss"]
            self.reporter.heldout(state.global_step, logs["heldout_loss"])
        elif "loss" in logs:
            self.last_loss = logs["loss"]
            self.line |= {key: logs[key] for key in ("loss", "learning_rate", "grad_norm") if key in logs}
            self.line["tokens_per_second"] = round(self.tokens / self.seconds, 1)
            self.tokens, self.seconds = 0, 0.0

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.flush()

    def flush(self) -> None:
        """Emit the line of the step that is over; nothing if it has none."""
        if len(self.line) > 2:
            self.line["memory_bytes"] = peak_memory()
            self.emit(self.line)
        self.line = {}

    def _start_line(self, step: int) -> None:
        if self.line.get("step") != step:
            self.flush()
            self.line = {"step": step, "epoch": round(self.plan.epoch(step), 4)}


class Ends(TrainerCallback):
    """Saves after the first step, so that what must fail fails early, and takes stock after the last."""

    def __init__(self, steps: int, *, evaluates: bool) -> None:
        self.steps = steps
        self.evaluates = evaluates

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        last = state.global_step == self.steps
        control.should_save |= last or state.global_step == 1
        control.should_log |= last or state.global_step == 1
        control.should_evaluate |= last and self.evaluates


class Signals(TrainerCallback):
    """Ctrl-C and SIGTERM finish the step, save and stop; a second Ctrl-C stops at once.

    with signals.installed():
        trainer.train()
    if signals.caught: …
    """

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter
        self.caught: signal.Signals | None = None

    @contextmanager
    def installed(self):
        """Put the handlers in place, and the former ones back afterwards (a no-op outside the main thread)."""
        try:
            former = {number: signal.signal(number, self._catch) for number in (signal.SIGINT, signal.SIGTERM)}
        except ValueError:
            former = {}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.caught is not None:
            control.should_save = True
            control.should_training_stop = True

    def _catch(self, number: int, frame: Any) -> None:
        if self.caught is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.caught = signal.Signals(number)
        self.reporter.say("Finishing this step, then saving. Press Ctrl-C again to stop at once.")


def peak_memory() -> int:
    """The most memory the run has held so far, in bytes: on the GPU where there is one, else of the process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
