"""Text that would steer a terminal is written out wherever it comes from: names, rows, replies, file names."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from offbook.cli.echo import echo, json_line
from offbook.cli.main import main
from offbook.cli.tables import _masked
from offbook.cli.terminal import TextConsole

STEERING = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202e"
CLI = Path(echo.__code__.co_filename).parent


def test_lines_are_shown_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    echo(f"Ann{STEERING}", bold=True)
    echo(f"Tom\r{STEERING}", err=True)
    for written in capsys.readouterr():
        assert not set("\x07\x9b\u202e\r") & set(written)
        assert "\x1b]" not in written
        assert r"\x1b[2J" in written


def test_json_is_the_same_value_without_them() -> None:
    line = json_line({"reply": STEERING + "你\ud800"})
    assert line.isprintable() is False, "its line feed"
    assert line[:-1].isprintable()
    assert json.loads(line) == {"reply": STEERING + "你\ud800"}


def test_no_command_writes_directly() -> None:
    direct = re.compile(r"click\.s?echo\(")
    written = {path.name for path in CLI.glob("*.py") if direct.search(path.read_text(encoding="utf-8"))}
    assert written <= {"echo.py", "command.py", "completion.py"}, "help and completion are offbook's words alone"


def test_the_row_that_check_shows() -> None:
    shown = io.StringIO()
    TextConsole(file=shown, force_terminal=True).print(_masked([{"text": STEERING, "learned": True}]))
    assert "\x1b]52" not in shown.getvalue()
    assert r"\x1b]52" in shown.getvalue()


def test_who_speaks_in_somebody_elses_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / f"chat{STEERING}.json"
    messages = [{"sender": f"Ann{STEERING}", "text": f"{number}", "time": "2025-01-01 10:00"} for number in range(4)]
    log.write_text(json.dumps(messages), encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["extract", str(log), "--list"])
    written = "".join(capsys.readouterr())
    assert "\x1b" not in written
    assert "\u202e" not in written


def test_an_option_that_is_a_file_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["extract", f"--{STEERING}.txt"])
    assert ended.value.code == 2
    assert "\x1b" not in capsys.readouterr().err
