"""offbook extract: what it prints, writes and refuses."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from offbook.cli.extract import command
from offbook.core.errors import UsageError
from tests.data.extract.reading import FIXTURES

SCRIPT = str(FIXTURES / "screenplay.txt")


def run(*arguments: str) -> Any:
    return CliRunner().invoke(command, list(arguments), catch_exceptions=True)


def test_the_list_shows_who_speaks() -> None:
    shown = run(SCRIPT, "--list")
    assert shown.exit_code == 0
    assert [cell.strip() for cell in shown.stdout.splitlines()[3].strip("│┃ ").split("│")][:3] == [
        "沈如霜",
        "12",
        "129",
    ]


def test_the_list_as_json() -> None:
    listing = json.loads(run(SCRIPT, "--list", "--json").stdout)
    assert (listing["formats"], listing["unread"]) == ({SCRIPT: "screenplay"}, {})
    first = listing["speakers"][0]
    samples = first.pop("samples")
    assert first == {"name": "沈如霜", "lines": 12, "characters": 129, "unsure": 0, "likely_aliases": []}
    text = Path(SCRIPT).read_text(encoding="utf-8")
    assert len(samples) == 3
    assert all(len(sample) >= 6 and sample[:4] in text for sample in samples)


def test_of_hundreds_of_speakers_the_table_shows_those_who_say_most(tmp_path: Path) -> None:
    crowd = ["".join(letters) for letters in itertools.islice(itertools.permutations("ABEKLMOR", 5), 0, 2000, 20)]
    play = tmp_path / "play.txt"
    lines = "HOST: Come in, all of you.\nUSHER: How many are they?\n" * 9
    play.write_text(lines + "".join(f"{name}: The road is long tonight.\n" for name in crowd), encoding="utf-8")
    shown = run(str(play), "--list").stdout
    assert [name for name in ("HOST", "USHER") if name in shown] == ["HOST", "USHER"]
    assert sum(line.startswith("│") for line in shown.splitlines()) == 60
    assert "and 42 more;" in shown
    assert len(json.loads(run(str(play), "--list", "--json").stdout)["speakers"]) == 102


def test_rows_are_written_and_the_summary_goes_to_standard_error(tmp_path: Path) -> None:
    out = tmp_path / "made" / "lines.jsonl"
    shown = run(SCRIPT, "--role", "太后", "--out", str(out))
    assert shown.exit_code == 0
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["messages"][-1]["content"] for row in rows] == ["哀家听说，昨夜皇上去了你那里？", "罢了。都下去吧。"]
    assert shown.stdout == ""
    assert f"{SCRIPT}: read as screenplay" in shown.stderr
    assert f"2 rows of 太后 → {out}" in shown.stderr
    assert "left out: 6 × stage direction" in shown.stderr


def test_options_reach_the_rows(tmp_path: Path) -> None:
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
        ([SCRIPT, "--role", "太后", "--out", "x", "--alias", "太后"], "--alias 太后: this is written A=B"),
        ([SCRIPT, "--role", "太侯", "--out", "x"], "did you mean '太后'"),
        ([SCRIPT, "--role", "太后", "--out", "x", "--alias", "如霜儿=太后"], "nobody called '如霜儿' speaks here, did"),
        ([SCRIPT + "x", "--list"], "no such file"),
        ([SCRIPT, "--list", "--format", "novels"], "did you mean 'novel'"),
        ([SCRIPT, "--role", "太后", "--out", "/dev/null/x"], "cannot be written"),
        ([SCRIPT, "--role", "太后", "--me", "太后", "--out", "x"], "both name the character"),
        ([SCRIPT, "--role", "太后", "--role", "皇上", "--out", "x"], "several characters: 太后, 皇上"),
        ([SCRIPT, "--me", "太后", "--out", "x"], "is not a chat"),
        ([SCRIPT, "--list", "--columns", "sendr=a,text=b"], "did you mean 'sender'"),
        ([SCRIPT, "--list", "--columns", "sender"], "written A=B"),
        ([SCRIPT, "--list", "--columns", "sender=who,text=what"], "no column 'who'"),
    ],
)
def test_mistakes_are_explained(arguments: list[str], what: str) -> None:
    error = run(*arguments).exception
    assert isinstance(error, UsageError)
    assert what in error.what
    assert error.fix


def test_the_script_is_never_overwritten_by_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "play.txt"
    script.write_bytes(FIXTURES.joinpath("screenplay.txt").read_bytes())
    error = run("play.txt", "--role", "太后", "--out", str(script)).exception
    assert isinstance(error, UsageError)
    assert "one of the files to read" in error.what
    assert script.read_bytes() == FIXTURES.joinpath("screenplay.txt").read_bytes()


def test_only_rows_that_extract_wrote_are_replaced(tmp_path: Path) -> None:
    out = tmp_path / "lines.jsonl"
    assert run(SCRIPT, "--role", "太后", "--out", str(out)).exit_code == 0
    assert run(SCRIPT, "--role", "沈如霜", "--out", str(out)).exit_code == 0
    for other in ('{"instruction": "?", "output": "!"}\n', "A novel.\n", "[]"):
        out.write_text(other)
        error = run(SCRIPT, "--role", "太后", "--out", str(out)).exception
        assert isinstance(error, UsageError)
        assert "already exists" in error.what
        assert out.read_text() == other


@pytest.mark.parametrize(
    ("name", "content", "texts"),
    [
        ("empty.txt", "\n", "empty.txt is empty"),
        ("lines.jsonl", '{"instruction": "a", "output": "b"}\n' * 2, "holds rows already"),
        ("lines.json", '[{"instruction": "a", "output": "b"}]', "holds rows already"),
        ("lines.csv", "问题,回答\na,b\n", "holds rows already"),
        ("quotes.csv", "问题,回答\n" + "“灯亮了吗？”,“四点就亮了。”\n" * 12, "holds rows already"),
        ("talk.jsonl", json.dumps({"messages": [{"role": r, "content": r} for r in ("user", "assistant")]}), "rows"),
    ],
)
def test_why_nothing_can_be_extracted(tmp_path: Path, name: str, content: str, texts: Any) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    error = run(str(path), "--list").exception
    assert isinstance(error, UsageError)
    assert texts in error.what


CHAT = """[12/05/2021, 21:30:00] Ann: Is the lamp lit?
[12/05/2021, 21:30:10] Ann: And the oil?
[12/05/2021, 21:31:00] Tom: Since four.
[12/05/2021, 21:33:00] Ann: Good.
[12/05/2021, 21:34:00] Tom: Always.
"""


def chat_rows(tmp_path: Path, *arguments: Any) -> Any:
    chat, out = tmp_path / "chat.txt", tmp_path / "rows.jsonl"
    chat.write_text(CHAT, encoding="utf-8")
    shown = run(str(chat), "--out", str(out), *arguments)
    assert shown.exit_code == 0, shown.exception
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()], shown.stderr


def test_me_makes_a_row_of_each_conversation(tmp_path: Path) -> None:
    (row,), shown = chat_rows(tmp_path, "--me", "Tom")
    assert [turn["content"] for turn in row["messages"]] == [
        "Is the lamp lit?\nAnd the oil?",
        "Since four.",
        "Good.",
        "Always.",
    ]
    assert "1 rows of Tom (2 replies)" in shown
    assert len(chat_rows(tmp_path, "--me", "Tom", "--rows", "reply")[0]) == 2


def test_options_of_chats_reach_the_rows(tmp_path: Path) -> None:
    rows, _ = chat_rows(tmp_path, "--role", "Tom", "--burst", "0", "--silence", "1.5", "--relation", "Ann=sister")
    assert [turn["content"] for turn in rows[0]["messages"]] == [
        "You are talking with Ann, your sister.",
        "Is the lamp lit?\nAnd the oil?",
        "Since four.",
    ]
    system, *_ = chat_rows(tmp_path, "--role", "Tom", "--system", "You are Tom.", "--time-of-day")[0][0]["messages"]
    assert system["content"] == "You are Tom.\n\nIt is Wednesday evening."
    assert len(chat_rows(tmp_path, "--me", "Tom", "--max-turns", "2")[0]) == 2
    assert len(chat_rows(tmp_path, "--me", "Tom", "--max-tokens", "5")[0]) == 2


def test_a_table_of_any_columns_is_read_by_their_names(tmp_path: Path) -> None:
    table, out = tmp_path / "export.csv", tmp_path / "rows.jsonl"
    table.write_text("at,person,words\n2021-05-12 21:30,Ann,Lit?\n2021-05-12 21:31,Tom,Yes\n", encoding="utf-8")
    columns = "sender=person,text=words,time=at"
    assert run(str(table), "--role", "Tom", "--columns", columns, "--out", str(out)).exit_code == 0
    assert json.loads(out.read_text(encoding="utf-8"))["messages"][1]["content"] == "Yes"


def scenes(tmp_path: Path) -> list[str]:
    texts = {
        "a.txt": "店主：茶好了。\n客人：多谢。\n店主：慢用。\n客人：再来一壶。\n",
        "b.txt": "店主：打烊了\n",
        "c.txt": "1,2\n",
    }
    for name, text in texts.items():
        tmp_path.joinpath(name).write_text(text, encoding="utf-8")
    return [str(tmp_path / name) for name in texts]


def test_a_file_too_short_to_show_its_layout_has_that_of_the_others(tmp_path: Path) -> None:
    files = scenes(tmp_path)
    assert isinstance(run(files[1], "--list").exception, UsageError)
    listed = json.loads(run(*files, "--list", "--json").stdout)["speakers"]
    assert {speaker["name"]: speaker["lines"] for speaker in listed} == {"店主": 3, "客人": 2}


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    files = scenes(tmp_path)
    shown = run(*files, "--role", "店主", "--out", str(tmp_path / "rows.jsonl"))
    assert shown.exit_code == 0
    assert f"{files[2]}: not read: " in shown.stderr
    assert f"{files[1]}: read as screenplay" in shown.stderr
    assert isinstance(run(files[2], "--list").exception, UsageError)
    assert isinstance(run(files[0], str(tmp_path / "gone.txt"), "--list").exception, UsageError)


def test_a_chat_that_is_damaged_is_left_out_whole(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("sender,text\nAnn,Lit?\nTom,Yes\n", encoding="utf-8")
    bad.write_text('sender,text\nBen,Lit?\nEve,"No\n', encoding="utf-8")
    shown = run(str(good), str(bad), "--list", "--json")
    assert {speaker["name"] for speaker in json.loads(shown.stdout)["speakers"]} == {"Ann", "Tom"}
    assert f"{bad}: not read" in shown.stderr


def test_the_list_says_what_each_file_was_read_as() -> None:
    assert f"{SCRIPT}: read as screenplay" in run(SCRIPT, "--list").stderr


@pytest.mark.parametrize("what", [["--list"], ["--role", "Bob", "--out", "out.jsonl"]])
def test_a_chat_says_how_far_it_is_read(what: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offbook.data.encoding.COUNTED", 4)
    monkeypatch.chdir(tmp_path)
    lines = [f"[12.05.21, 21:{minute:02}:00] {'Ann' if minute % 2 else 'Bob'}: {'x' * 900}" for minute in range(60)]
    for name in ("a.txt", "b.txt"):
        Path(name).write_text("\n".join(lines), encoding="utf-8")
    events: list[tuple[int, int]] = []
    monkeypatch.setattr(
        "offbook.core.progress.Reporter.progress", lambda _, done, total, unit: events.append((done, total))
    )
    assert run("a.txt", "b.txt", *what).exit_code == 0
    total = 2 * Path("a.txt").stat().st_size
    done = [each for each, _ in events]
    assert {each for _, each in events} == {total}
    assert done == sorted(done)
    assert len(set(done)) > 10
    assert 0.8 * total < done[-1] <= total
