"""What the command line shows while it works: a progress bar on a terminal, plain lines elsewhere. On stderr."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from offbook.core.progress import Reporter

LINE_SECONDS = 10
"""Off the terminal a line of progress appears at most this often."""


def console(*, stderr: bool = True) -> Console:
    """The console that people read: a text is shown as it is, whatever brackets it has. NO_COLOR is honoured."""
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def reporter() -> Lines:
    """The reporter that fits where standard error goes."""
    out = console()
    return Bar(out) if out.is_terminal else Lines(out)


@contextmanager
def reporting() -> Iterator[Reporter]:
    """The reporter of a task with steps: its bar is closed however the task ends."""
    told = reporter()
    try:
        yield told
    finally:
        told.close()


class Lines:
    """Plain lines, for logs and pipes."""

    def __init__(self, out: Console) -> None:
        self.out = out
        self.began: float | None = None
        self.first_step = 0
        self.last_line = 0.0

    def say(self, text: str) -> None:
        self.out.print(text)

    def step(self, step: int, total: int, loss: float, tokens_per_second: float) -> None:
        now = time.monotonic()
        if self.began is None:
            self.began, self.first_step = now, step
        if now - self.last_line < LINE_SECONDS and step != total:
            return
        self.last_line = now
        done = step - self.first_step
        left = f", {clock((now - self.began) / done * (total - step))} left" if done else ""
        told = "" if math.isnan(loss) else f"  loss {loss:.3f}"
        self.say(f"step {step}/{total}{told}  {tokens_per_second:,.0f} tokens/s{left}")

    def heldout(self, step: int, loss: float) -> None:
        self.say(f"step {step}: held-out loss {loss:.4f}")

    def close(self) -> None:
        """No step follows."""


class Bar(Lines):
    """A live bar with loss, speed and time left."""

    def __init__(self, out: Console) -> None:
        super().__init__(out)
        self.progress = Progress(
            TextColumn("step {task.completed:.0f}/{task.total:.0f}"),
            BarColumn(),
            TextColumn("{task.fields[told]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=out,
        )
        self.task: TaskID | None = None

    def step(self, step: int, total: int, loss: float, tokens_per_second: float) -> None:
        told = f"{tokens_per_second:,.0f} tokens/s"
        if not math.isnan(loss):
            told = f"loss {loss:.3f}  {told}"
        if self.task is None:
            self.progress.start()
            self.task = self.progress.add_task("", total=total, completed=step, told=told)
        self.progress.update(self.task, completed=step, told=told)
        if step == total:
            self.close()

    def close(self) -> None:
        if self.task is not None:
            self.progress.stop()


def clock(seconds: float) -> str:
    """Seconds as 4:05 or 1:02:03."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
