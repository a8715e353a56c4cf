"""What a beginner is told to do next, and how to go on after a mistake."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.cli.test_chinese import outputs

SCRIPT = "ANN: Good day.\nBOB: And you.\n" * 9


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("OFFBOOK_LANG", "en")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my play.txt").write_text(SCRIPT)
    return tmp_path


def test_the_list_of_speakers_ends_with_the_command_that_takes_ones_lines(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["my play.txt", "--format", "play", "--context", "2", "--keep-actions"]
    _, out, err = outputs(capsys, "extract", *words, "--list")
    assert "offbook" not in out
    step = shlex.split(err.splitlines()[-1].removeprefix("Next:"))
    step = step[step.index("extract") :]
    assert step == ["extract", *words, "--role", "NAME", "--out", "lines.jsonl"]
    assert outputs(capsys, *["ANN" if word == "NAME" else word for word in step])[0] == 0
    assert "Next:" not in outputs(capsys, "extract", *words, "--list", "--json")[2]


@pytest.mark.parametrize("verb", ["check", "train"])
def test_lines_that_are_still_to_be_made_are_told_with_their_command(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert outputs(capsys, "init", "mine")[0] == 0
    code, _, err = outputs(capsys, verb, "-c", "mine/run.yaml")
    assert code == 2
    assert "mine/lines.jsonl: no such file" in err
    assert "extract FILE --role NAME --out " in err
    assert err.rstrip().endswith("mine/lines.jsonl")


def test_a_row_is_spoken_of_by_its_own_columns(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "rows.jsonl").write_text('{"a": 1}\n')
    code, _, err = outputs(capsys, "check", "--data", "rows.jsonl")
    assert code == 2
    assert "its column 'a' is taken for output, and is not text but a number" in err
    assert "--data.columns prompt=COLUMN,reply=COLUMN" in err
    (folder / "rows.jsonl").write_text('{"instruction": "Hi", "output": 1}\n')
    assert "output is not text but a number" in outputs(capsys, "check", "--data", "rows.jsonl")[2]


@pytest.mark.parametrize("words", [["init", ""], ["extract", "my play.txt", "--role", "ANN", "--out", ""]])
def test_an_empty_name_is_no_folder(words: list[str], capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    code, _, err = outputs(capsys, *words)
    assert code == 2
    assert "the name is empty" in err
    assert [path.name for path in folder.iterdir()] == ["my play.txt"]


def test_a_name_too_long_is_to_be_shorter(capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = outputs(capsys, "extract", "my play.txt", "--role", "ANN", "--out", "x" * 300)
    assert err.splitlines()[-1].strip() == "Choose a shorter name."


def test_all_speakers_are_named_or_more_are_told_of(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    command = ["extract", "my play.txt", "--role", "NOBODY", "--out", "x.jsonl"]
    assert "Speakers found: ANN, BOB." in outputs(capsys, *command)[2]
    names = [f"{letter}ACK" for letter in "JKLMNPQRST"]
    (folder / "my play.txt").write_text("".join(f"{name}: Good day.\n" for name in names) * 9)
    assert "QACK, RACK … (`--list` shows all)." in outputs(capsys, *command)[2]


def test_the_example_of_completion_is_a_command_in_every_language(capsys: pytest.CaptureFixture[str]) -> None:
    assert "in ~/" not in outputs(capsys, "completion", "--help")[1]
