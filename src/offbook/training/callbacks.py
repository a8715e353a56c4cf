"""Callbacks of the trainer: checkpoints at both ends of a run, and signals."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from transformers import TrainerCallback

from offbook.core.progress import Reporter
from offbook.training.process_group import ProcessGroup


class SaveAtEnds(TrainerCallback):
    """Saves after the first step, so that what must fail fails early; saves, logs and evaluates after the last.

    Args:
        steps: the run's last step.
        evaluates: whether there is a held-out loss to take.
    """

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

    All processes of a run stop after the same step: each tells the others of its signal with the step.

    with shutdown.installed():
        trainer.train()
    if shutdown.signal is not None: …
    """

    def __init__(self, reporter: Reporter, group: ProcessGroup) -> None:
        self.reporter = reporter
        self.group = group
        self.signal: signal.Signals | None = None
        """The signal that ended the run."""

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Context manager: catch the signals, then restore the former handlers (a no-op outside the main thread)."""
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
        if self.group.agreed_flag:
            self.signal = signal.Signals(self.group.agreed_flag)
            control.should_save = True
            control.should_training_stop = True

    def _catch(self, number: int, _frame: Any) -> None:
        if self.group.flag and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.group.flag = number
        self.reporter.info("Finishing this step, then saving. Press Ctrl-C again to stop at once.")
