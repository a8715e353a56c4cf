"""Help that is true: values as they are typed, the settings that matter first, all of them on request."""

from __future__ import annotations

from pathlib import Path

import pytest

from offbook.cli import main as cli
from offbook.cli.command import FIRST
from offbook.core.config import schema
from offbook.core.config.renamed import RENAMED


def call(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(words))
    out, err = capfd.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.mark.parametrize("verb", ["check", "train", "prove"])
def test_help_shows_the_ten_settings_that_matter_and_help_all_shows_all(
    capfd: pytest.CaptureFixture[str], verb: str
) -> None:
    code, out, _ = call(capfd, verb, "--help")
    assert code == 0
    first = out.partition(FIRST)[2]
    assert {name for name, _ in schema.options() if f"--{name} " in out} == {*schema.FIRST_OPTIONS}
    assert all(f"--{name} " in first for name in schema.FIRST_OPTIONS)
    code, out, _ = call(capfd, verb, "--help-all")
    assert code == 0
    assert [name for name, _ in schema.options() if f"--{name} " not in out] == []
    assert "Settings: train.fast:" in out


def test_values_are_shown_as_they_are_typed(capfd: pytest.CaptureFixture[str]) -> None:
    _, out, _ = call(capfd, "train", "--help-all")
    assert "--model.dtype auto|float32|bfloat16|float16" in out
    assert "--train.fast.head true|false" in out
    assert "--train.patience integer" in out
    assert "--data.dedupe exact|near|off" in out
    assert "AUTO" not in out


@pytest.mark.parametrize(("old", "new"), sorted(RENAMED.items()))
def test_a_renamed_option_is_refused_by_its_new_name(capfd: pytest.CaptureFixture[str], old: str, new: str) -> None:
    code, out, err = call(capfd, "train", "--data.source", "x.json", f"--{old}", "1")
    assert (code, out) == (2, "")
    assert err == f"Error: no option --{old}: it is called --{new} now\n"


def test_debug_is_understood_before_and_after_the_verb(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from offbook.core.errors import UsageError

    for words in (["--debug", "runs", "show", "none"], ["runs", "show", "none", "--debug"]):
        with pytest.raises(UsageError, match="no run 'none'"):
            cli.main(words)
    monkeypatch.setattr("sys.argv", ["offbook", "--debug"])  # the words of another call mean nothing
    assert call(capfd, "runs", "show", "none")[0] == 2


def test_errors_of_a_json_command_are_an_object_too(capfd: pytest.CaptureFixture[str]) -> None:
    import json

    code, out, err = call(capfd, "runs", "show", "none", "--json")
    assert (code, out) == (2, "")
    error = json.loads(err)
    assert error["event"] == "error"
    assert error["exit_code"] == 2
    assert "no run 'none'" in error["text"]
    assert error["fix"]


def test_a_quoted_tilde_is_the_home_folder(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    code, _, err = call(capfd, "init", "~/my chats")
    assert code == 0, err
    assert (tmp_path / "my chats" / "run.yaml").is_file()
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize("verb", ["export", "sweep"])
def test_a_chinese_help_page_says_which_option_has_to_be_given(capfd: pytest.CaptureFixture[str], verb: str) -> None:
    try:
        code, out, _ = call(capfd, "--lang", "zh", verb, "--help")
    finally:
        call(capfd, "--lang", "en", "--help")
    assert code == 0
    assert "[必填]" in out


@pytest.mark.parametrize("words", [["--help"], ["sweep", "--help"]])
def test_an_example_is_one_line_that_can_be_copied(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    code, out, _ = call(capfd, *words)
    assert code == 0
    examples = [line.strip() for line in out.splitlines() if line.strip().startswith("offbook ")]
    assert examples
    assert any(len(line) > 60 for line in examples), "longer than the page is wide, and whole"
