"""Events on standard error: a live line on a terminal, lines off it, JSON lines for programs."""

from __future__ import annotations

import io
import json
from typing import Any

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from offbook.cli import progress_bar
from offbook.cli.command import Command
from offbook.cli.json_output import json_option
from offbook.cli.terminal import TextConsole


def screen(**options: Any) -> TextConsole:
    return TextConsole(file=io.StringIO(), width=100, **options)


def shown(out: Console) -> str:
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> TextConsole:
    out = screen(force_terminal=True, force_interactive=True)
    monkeypatch.setattr(progress_bar, "console", lambda: out)
    return out


def test_a_live_line_is_taken_down_however_the_task_ends(terminal: TextConsole) -> None:
    with pytest.raises(KeyboardInterrupt), progress_bar.reporting() as reporter:
        reporter.stage("Training")
        reporter.progress(3, 10, loss=1.5, tokens_per_second=100.0)
        raise KeyboardInterrupt
    text = shown(terminal)
    assert "Training" in text
    assert "step 3/10" in text
    assert "loss 1.500  100 tokens/s" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is back


def test_what_a_command_prints_after_a_pause_does_not_meet_the_live_line(terminal: TextConsole) -> None:
    with progress_bar.reporting() as reporter:
        reporter.stage("Loading")
        reporter.plan({}, lambda out: out.print("the plan"))
        before = len(shown(terminal))
        reporter.progress(1, 2, "reply")
    assert "the plan" in shown(terminal)[:before]
    assert "reply 1/2" in shown(terminal)[before:]


def test_lines_off_the_terminal_are_few_and_tell_a_warning_from_the_rest() -> None:
    out = screen()
    reporter = progress_bar.LineReporter(out)
    reporter.stage("Loading {source}", source="pypi:a{b}")
    reporter.warning("the disk is nearly full")
    for step in range(1, 201):
        reporter.progress(step, 200, loss=2.0, tokens_per_second=50.0)
    reporter.progress(200, 200, heldout_loss=1.25)
    lines = shown(out).splitlines()
    assert lines[:2] == ["Loading pypi:a{b}", "Warning: the disk is nearly full"]
    assert lines[2].startswith("step 1/200  loss 2.000  50 tokens/s")
    assert lines[3].startswith("step 200/200")
    assert lines[4].startswith("step 200/200  held-out loss 1.2500")
    assert len(lines) == 5


def test_json_writes_each_event_as_an_object_on_a_line() -> None:
    @click.command(cls=Command)
    @json_option
    def command(as_json: bool) -> None:
        with progress_bar.reporting() as reporter:
            reporter.stage("Loading")
            reporter.plan({"steps": 2}, lambda out: out.print("for people"))
            reporter.progress(0, 2)
            reporter.progress(1, 2, loss=float("nan"), tokens_per_second=10.0)
            reporter.warning("甄嬛 \x1b[2J")

    answer = CliRunner().invoke(command, ["--json"])
    assert answer.exit_code == 0
    assert answer.stdout == ""
    stage, plan, first, second, warning = map(json.loads, answer.stderr.splitlines())
    assert stage == {"event": "stage", "text": "Loading"}
    assert plan == {"event": "plan", "steps": 2}
    assert first == {"event": "progress", "done": 0, "total": 2, "unit": "step"}
    assert second.pop("seconds_left") >= 0
    assert second == {"event": "progress", "done": 1, "total": 2, "unit": "step", "tokens_per_second": 10.0}
    assert warning == {"event": "warning", "text": "甄嬛 \x1b[2J"}


def test_the_name_of_a_stage_cannot_steer_the_terminal(terminal: TextConsole) -> None:
    with progress_bar.reporting() as reporter:
        reporter.stage("Reading {files}", files="a\x1b]0;title\x07b\nc")
        reporter.progress(1, 2)
    assert "\x1b]0;" not in shown(terminal)
    assert "a\\x1b]0;title\\x07b c" in shown(terminal)


def test_text_cannot_steer_the_terminal() -> None:
    out = screen()
    reporter = progress_bar.LineReporter(out)
    reporter.info("a\x1b]0;title\x07b\u202ec")
    assert shown(out) == "a\\x1b]0;title\\x07b\\u202ec\n"
