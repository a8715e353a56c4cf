"""How the command line shows events on standard error: a live bar, plain lines off the terminal, JSON for `--json`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from offbook.cli import stage_times
from offbook.cli.context import invocation
from offbook.cli.echo import json_line, printable
from offbook.cli.terminal import console
from offbook.core import progress as events
from offbook.core.progress import Event, Message, Reporter, count_text, figure_texts, fill
from offbook.core.text import clock

LINE_SECONDS = 10
"""Off the terminal a line of progress appears at most this often."""
NOTABLE_SECONDS = 2
"""A stage that took longer leaves a line with its time on the terminal."""
EXPECTED_END = 0.99
"""How far a stage's bar gets by the clock alone."""


class ConsoleReporter(Reporter):
    """A reporter of the command line; commands print what is not an event through `out`, after `pause`."""

    def __init__(self, out: Console) -> None:
        super().__init__()
        self.out = out

    def pause(self) -> None:
        """Take down what is drawn, so that something else can be printed; the next event draws again."""

    def abandon(self) -> None:
        """The stage under way did not come to its end: its time says nothing."""

    def plan(self, report: dict[str, Any], draw: Callable[[Console], None]) -> None:
        """Show the plan of a run: `draw` prints it for people."""
        self.pause()
        draw(self.out)


@contextmanager
def reporting() -> Iterator[ConsoleReporter]:
    """The reporter that fits the command and where standard error goes; it is taken down however the block ends."""
    reporter = _reporter()
    try:
        yield reporter
    except BaseException:
        reporter.abandon()
        raise
    finally:
        reporter.pause()


def _reporter() -> ConsoleReporter:
    out = console()
    if invocation().as_json:
        return JsonReporter(out)
    return TerminalReporter(out) if out.is_terminal else LineReporter(out)


class JsonReporter(ConsoleReporter):
    """One JSON object per line and event, for programs and pages."""

    def emit(self, event: Event) -> None:
        """Write the event."""
        self.write(event.as_dict())

    def plan(self, report: dict[str, Any], draw: Callable[[Console], None]) -> None:
        """Write the plan as an event of its own: `{"event": "plan", "steps": 90, …}`."""
        self.write({"event": "plan", **report})

    @staticmethod
    def write(value: dict[str, Any]) -> None:
        """Write one object on a line of its own, at once."""
        sys.stderr.write(json_line(value))
        sys.stderr.flush()


class LineReporter(ConsoleReporter):
    """Plain lines, for logs and pipes."""

    def __init__(self, out: Console) -> None:
        super().__init__(out)
        self._last_line = float("-inf")
        self._counted_units: set[str] = set()

    def emit(self, event: Event) -> None:
        """Print a message; print progress now and then, at the end, and where a held-out loss was taken."""
        if isinstance(event, Message):
            if event.level == "stage":
                self._counted_units.clear()
            self.message(event)
        elif event.heldout_loss is not None:
            self.out.print(_line(event), soft_wrap=True)
        elif event.done == event.total or self._is_due(event.unit):
            self._last_line = time.monotonic()
            self._counted_units.add(event.unit)
            left = [] if event.seconds_left is None else [fill("{time} left", {"time": clock(event.seconds_left)})]
            self.out.print(_line(event, *left), soft_wrap=True)

    def _is_due(self, unit: str) -> bool:
        """Whether a line of progress is wanted: the first of what a stage counts, and one now and then."""
        return unit not in self._counted_units or time.monotonic() - self._last_line >= LINE_SECONDS

    def message(self, message: Message) -> None:
        """Print a sentence; a warning is called one."""
        if message.level == "warning":
            self.out.print(fill("Warning: {message}", {"message": message.text}), style="yellow", soft_wrap=True)
        else:
            self.out.print(message.text, soft_wrap=True)


class TerminalReporter(LineReporter):
    """A live line for the stage under way: what it is, how far, figures, time taken and time left.

    A stage that counts nothing is as far as its time is, beside the time that it took before.
    """

    def __init__(self, out: Console) -> None:
        super().__init__(out)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._stage = ""
        self._counted = False
        self._began = 0.0

    def emit(self, event: Event) -> None:
        """Draw the event."""
        if isinstance(event, events.Progress):
            self._advance(event)
        elif event.level == "stage":
            self._finish_stage()
            self._stage, self._counted, self._began = event.text, False, time.monotonic()
            self._draw(event.text, expected=stage_times.expected_seconds(event.text))
        else:
            self.message(event)

    def pause(self) -> None:
        """Take the live line down; a stage that took its time leaves a line."""
        self._finish_stage()

    def abandon(self) -> None:
        """Do not keep the time of the stage under way."""
        self._counted = True

    def _advance(self, event: events.Progress) -> None:
        self._counted = True
        if event.heldout_loss is not None:
            self.out.print(_line(event))
        if self._task is None or self._bar is None:
            self._draw("")
        assert self._bar is not None
        assert self._task is not None
        fields: dict[str, Any] = (
            {} if event.heldout_loss is not None else {"figures": "  ".join(["", *figure_texts(event)])}
        )
        count = count_text(event)
        self._bar.update(self._task, completed=event.done, total=event.total, count=count, expected=None, **fields)
        if event.done == event.total and event.heldout_loss is None:
            self._bar.refresh()

    def _draw(self, description: str, expected: float | None = None) -> None:
        if self._bar is None:
            self._bar = _TimedProgress(
                TextColumn("{task.description}", markup=False),
                TextColumn("{task.fields[count]}", markup=False),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[figures]}", markup=False),
                TimeElapsedColumn(),
                TimeRemainingColumn(elapsed_when_finished=True),
                console=self.out,
                transient=True,
                refresh_per_second=4,
            )
            self._bar.start()
        shown = printable(description).replace("\n", " ")  # a file's name may hold anything
        self._task = self._bar.add_task(shown, total=expected, count="", figures="", expected=expected)

    def _finish_stage(self) -> None:
        if self._bar is None:
            return
        seconds = time.monotonic() - self._began
        self._bar.stop()
        if self._stage and seconds >= NOTABLE_SECONDS:
            if not self._counted:
                stage_times.remember(self._stage, seconds)
            self.out.print(f"{self._stage}  {clock(seconds)}", style="dim")
        self._bar = self._task = None
        self._stage = ""


class _TimedProgress(Progress):
    """A live display whose tasks with an `expected` time advance with the clock, and never quite to the end."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yield what is drawn."""
        for task in self.tasks:
            if expected := task.fields["expected"]:
                self.update(task.id, completed=min(task.elapsed or 0.0, EXPECTED_END * expected))
        yield from super().get_renderables()


def _line(event: events.Progress, *more: str) -> str:
    return "  ".join([count_text(event), *figure_texts(event), *more])
