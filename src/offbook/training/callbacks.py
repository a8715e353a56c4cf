"""What happens beside the training: metrics, checkpoints at the ends, signals."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import torch
from transformers import TrainerCallback

from offbook.core.progress import Reporter
from offbook.training.batch_sampler import BatchSampler
from offbook.training.estimate import peak_memory


class Metrics(TrainerCallback):
    """Gathers what is known about a step into one line and hands it to `emit` when the step is over.

    Args:
        emit: takes a finished line: step, epoch, loss, learning_rate, grad_norm, tokens_per_second, memory_bytes, and
            heldout_loss where it was taken.
    """

    def __init__(
        self, plan: BatchSampler, emit: Callable[[dict[str, Any]], None], reporter: Reporter, device: torch.device
    ) -> None:
        self.plan = plan
        self.device = device
        self.emit = emit
        self.reporter = reporter
        self.line: dict[str, Any] = {}
        self.losses: list[float] = []
        self.tokens = 0
        self.seconds = 0.0
        self.began = 0.0

    def take_loss(self, loss: float, tokens: int) -> None:
        """A step's mean loss and tokens, as the trainer tells them."""
        self.losses.append(loss)
        self.tokens += tokens

    def checkpointed(self) -> dict[str, Any]:
        """Put on disk what is known, and return what a resumed run needs so that its next line is the same."""
        self.flush()
        return {"losses": self.losses, "tokens": self.tokens, "seconds": self.seconds}

    def restore(self, progress: dict[str, Any]) -> None:
        """Take up where `checkpointed` left."""
        self.losses, self.tokens, self.seconds = progress["losses"], progress["tokens"], progress["seconds"]

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.flush()
        self.began = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.seconds += time.perf_counter() - self.began
        self.reporter.progress(
            state.global_step, len(self.plan), loss=self.losses[-1], tokens_per_second=self.tokens / self.seconds
        )

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        logs = logs or {}
        if self.line.get("step") != state.global_step:
            self.flush()
            self.line = {"step": state.global_step, "epoch": round(self.plan.epoch(state.global_step), 4)}
        if "heldout_loss" in logs:
            self.line["heldout_loss"] = logs["heldout_loss"]
            self.reporter.progress(state.global_step, len(self.plan), heldout_loss=logs["heldout_loss"])
        elif "loss" in logs:
            self.line["loss"] = sum(self.losses) / len(self.losses)
            self.line |= {key: logs[key] for key in ("learning_rate", "grad_norm") if key in logs}
            self.line["tokens_per_second"] = round(self.tokens / self.seconds, 1)
            self.losses, self.tokens, self.seconds = [], 0, 0.0

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.flush()

    def flush(self) -> None:
        """Emit the line of the step that is over; nothing if it has none."""
        if len(self.line) > 2:
            self.line["memory_bytes"] = peak_memory(self.device)
            self.emit(self.line)
        self.line = {}


class SaveAtEnds(TrainerCallback):
    """Saves after the first step, so that what must fail fails early, and takes stock after the last."""

    def __init__(self, steps: int, *, evaluates: bool) -> None:
        self.steps = steps
        self.evaluates = evaluates

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        last = state.global_step == self.steps
        control.should_save |= last or state.global_step == 1
        control.should_log |= last or state.global_step == 1
        control.should_evaluate |= last and self.evaluates


class GracefulShutdown(TrainerCallback):
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
        self.reporter.info("Finishing this step, then saving. Press Ctrl-C again to stop at once.")
