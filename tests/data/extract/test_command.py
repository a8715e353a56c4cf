"""offbook extract: what it prints, writes and refuses."""

import json

import pytest
from click.testing import CliRunner

from offbook.cli.extract import command
from offbook.core.errors import UsageError
from tests.data.extract.reading import FIXTURES

SCRIPT = str(FIXTURES / "screenplay.txt")


def run(*arguments: str):
    return CliRunner().invoke(command, list(arguments), catch_exceptions=True)


def test_the_list_shows_who_speaks():
    shown = run(SCRIPT, "--list")
    assert shown.exit_code == 0
    assert [cell.strip() for cell in shown.stdout.splitlines()[3].strip("│┃ ").split("│")][:3] == [
        "沈如霜",
        "12",
        "129",
    ]


def test_the_list_as_json():
    first, *_ = json.loads(run(SCRIPT, "--list", "--json").stdout)
    assert first == {"name": "沈如霜", "lines": 12, "characters": 129, "unsure": 0, "likely_aliases": []}


def test_rows_are_written_and_the_summary_goes_to_standard_error(tmp_path):
    out = tmp_path / "made" / "lines.jsonl"
    shown = run(SCRIPT, "--role", "太后", "--out", str(out))
    assert shown.exit_code == 0
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["messages"][-1]["content"] for row in rows] == ["哀家听说，昨夜皇上去了你那里？", "罢了。都下去吧。"]
    assert shown.stdout == ""
    assert f"{SCRIPT}: read as screenplay" in shown.stderr
    assert f"2 rows of 太后 → {out}" in shown.stderr
    assert "left: 6 × stage direction" in shown.stderr


def test_options_reach_the_rows(tmp_path):
    out = tmp_path / "lines.jsonl"
    run(SCRIPT, "--role", "太后", "--out", str(out), "--context", "3", "--keep-actions", "--alias", "苏培=太后")
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert rows[-1]["messages"][-1]["content"] == "罢了。[挥手]都下去吧。"
    assert len(rows) == 4
    assert rows[-1]["messages"][0]["content"].startswith("沈如霜：")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ([SCRIPT], "--role NAME --out"),
        ([SCRIPT, "--role", "太后", "--out", "x", "--alias", "太后"], "an alias is written A=B"),
        ([SCRIPT, "--role", "太侯", "--out", "x"], "did you mean '太后'"),
        ([SCRIPT, "--role", "太后", "--out", "x", "--alias", "如霜儿=太后"], "nobody called '如霜儿' speaks here, did"),
        ([SCRIPT + "x", "--list"], "no such file"),
        ([SCRIPT, "--list", "--format", "novels"], "did you mean 'novel'"),
        ([SCRIPT, "--role", "太后", "--out", "/dev/null/x"], "cannot be written"),
    ],
)
def test_mistakes_are_explained(arguments, what):
    error = run(*arguments).exception
    assert isinstance(error, UsageError)
    assert what in error.what
    assert error.fix


def test_the_script_is_never_overwritten_by_its_rows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "play.txt"
    script.write_bytes(FIXTURES.joinpath("screenplay.txt").read_bytes())
    error = run("play.txt", "--role", "太后", "--out", str(script)).exception
    assert isinstance(error, UsageError)
    assert "one of the files to read" in error.what
    assert script.read_bytes() == FIXTURES.joinpath("screenplay.txt").read_bytes()


def test_only_rows_that_extract_wrote_are_replaced(tmp_path):
    out = tmp_path / "lines.jsonl"
    assert run(SCRIPT, "--role", "太后", "--out", str(out)).exit_code == 0
    assert run(SCRIPT, "--role", "沈如霜", "--out", str(out)).exit_code == 0
    for other in ('{"instruction": "?", "output": "!"}\n', "A novel.\n", "[]"):
        out.write_text(other)
        error = run(SCRIPT, "--role", "太后", "--out", str(out)).exception
        assert isinstance(error, UsageError)
        assert "is there already" in error.what
        assert out.read_text() == other


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.txt", "\n", "empty.txt is empty"),
        ("lines.jsonl", '{"instruction": "a", "output": "b"}\n' * 2, "holds rows already"),
        ("lines.json", '[{"instruction": "a", "output": "b"}]', "holds rows already"),
        ("lines.csv", "问题,回答\na,b\n", "holds rows already"),
        ("talk.jsonl", json.dumps({"messages": [{"role": r, "content": r} for r in ("user", "assistant")]}), "rows"),
    ],
)
def test_why_nothing_can_be_extracted(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    error = run(str(path), "--list").exception
    assert isinstance(error, UsageError)
    assert said in error.what
