"""Stages that count nothing: their time is remembered, and the next time there is an end in sight."""

from __future__ import annotations

import io
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from offbook.cli import progress_bar, stage_times
from offbook.cli.progress_bar import TerminalReporter
from offbook.cli.terminal import TextConsole


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OFFBOOK_HOME", str(tmp_path))
    return tmp_path / "stage_times.json"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(progress_bar, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def terminal(clock: list[float]) -> TextConsole:
    return TextConsole(
        file=io.StringIO(), width=100, force_terminal=True, force_interactive=True, get_time=lambda: clock[0]
    )


def text(out: TextConsole) -> str:
    assert isinstance(out.file, io.StringIO)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.file.getvalue())


def take(out: TextConsole, clock: list[float], seconds: float, *, counted: bool = False) -> TerminalReporter:
    reporter = TerminalReporter(out)
    reporter.stage("Importing")
    if counted:
        reporter.progress(1, 2, "row")
    clock[0] += seconds
    return reporter


def test_a_wait_that_took_eight_seconds_is_told_as_eight_seconds(clock: list[float]) -> None:
    first = terminal(clock)
    take(first, clock, 8).pause()
    assert "0:00:08" in text(first)
    assert not re.search(r"\d:\d\d:\d\d \d:\d\d:\d\d", text(first)), "nobody knows yet what is left"
    assert stage_times.expected_seconds("Importing") == 8
    second = terminal(clock)
    reporter = take(second, clock, 2)
    assert reporter._bar is not None
    reporter._bar.refresh()
    clock[0] += 1
    reporter._bar.refresh()
    assert re.findall(r"\d:\d\d:\d\d", text(second))[-2:] == ["0:00:03", "0:00:05"], "taken, and left"
    clock[0] += 20
    reporter._bar.refresh()
    assert "0:00:23 0:00:01" in text(second), "it never says that it is over"
    reporter.pause()


def test_what_counts_itself_was_short_or_broke_off_is_not_remembered(clock: list[float], cache: Path) -> None:
    take(terminal(clock), clock, 8, counted=True).pause()
    take(terminal(clock), clock, 1).pause()
    broken = take(terminal(clock), clock, 8)
    broken.abandon()
    broken.pause()
    assert not cache.exists()


def test_times_are_averaged_and_the_oldest_go(cache: Path) -> None:
    stage_times.remember("a", 4)
    stage_times.remember("a", 8)
    assert stage_times.expected_seconds("a") == 6
    for number in range(stage_times.KEPT):
        stage_times.remember(str(number), 3)
    assert stage_times.expected_seconds("a") is None
    assert stage_times.expected_seconds("0") == 3


@pytest.mark.parametrize("content", ["", "[1]", '{"a": "b"}', "\0"])
def test_a_damaged_file_tells_nothing(cache: Path, content: str) -> None:
    cache.write_text(content)
    assert stage_times.expected_seconds("a") is None
    stage_times.remember("a", 4)
    assert stage_times.expected_seconds("a") == 4
