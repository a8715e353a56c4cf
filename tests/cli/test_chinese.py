"""In a Chinese locale: the help of every command, the commonest errors, and the tables, in Chinese."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from offbook.cli.chat_log import ChatLog
from offbook.cli.chat_session import ChatSession
from offbook.cli.main import VERBS, main
from offbook.cli.scene import HELP
from offbook.core import i18n
from offbook.core.config.loading import dump, load
from offbook.core.text import has_chinese
from tests.cli.test_chat import Echo, Paper


@pytest.fixture(autouse=True)
def chinese_locale(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> object:
    for name in ("OFFBOOK_LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANGUAGE", "zh")  # so that it is put back: a command sets it for click
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    monkeypatch.setenv("OFFBOOK_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    yield
    i18n.use_language(i18n.SOURCE_LANGUAGE)


def outputs(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of a command line."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([*words])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.mark.parametrize("verb", ["", *VERBS, "runs list", "runs show", "runs compare", "runs rm"])
def test_help_is_in_chinese(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = outputs(capsys, *verb.split(), "--help")
    assert code == 0
    assert out.startswith("用法：")
    assert has_chinese(out.split("\n\n")[1]), "what the command does"
    assert not any(word in out for word in ("[OPTIONS]", "Example", "Start here", "[default", "[required"))
    described = [line for line in out.splitlines() if re.match(r"  --?\w", line)]
    assert described
    assert all(has_chinese(line) for line in described if len(line) > 50), described


ERRORS = {
    "a misspelt command": ["tran"],
    "an unknown option": ["pull", "x", "--revison", "1"],
    "no run of that name": ["chat", "nobody"],
    "no settings there": ["train", "-c", "none/run.yaml"],
    "a misspelt key": ["train", "-c", "key.yaml"],
    "a value of the wrong kind": ["train", "-c", "run.yaml", "--train.epochs", "many"],
    "YAML with a full-width colon": ["check", "-c", "colon.yaml"],
    "no such file of rows": ["check", "-c", "run.yaml", "--data.source", "none.json"],
    "a model that is not there": ["pull", "nowhere/model"],
    "nobody of that name speaks": ["extract", "script.txt", "--role", "TOM", "--out", "x.jsonl"],
    "prose in place of rows": ["check", "-c", "run.yaml", "--data.source", "script.txt"],
    "an unknown format": ["export", "nobody", "--to", "gufg"],
}


@pytest.mark.parametrize("case", ERRORS)
def test_the_commonest_errors_are_in_chinese(
    case: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, tiny: Path, rows: Path
) -> None:
    text = dump(load(None, {"model.source": str(tiny), "data.source": str(rows)}))
    (tmp_path / "run.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "key.yaml").write_text("trian: {epochs: 1}\n" + text, encoding="utf-8")
    (tmp_path / "colon.yaml").write_text("name：安\n" + text, encoding="utf-8")
    (tmp_path / "script.txt").write_text("SCENE I.\n\nANN\nGood day.\n\nBOB\nAnd you.\n" * 9, encoding="utf-8")
    code, _, err = outputs(capsys, *ERRORS[case])
    assert code == 2, err
    lines = [line for line in err.splitlines() if line.strip()]
    assert any(line.startswith(("错误：", "用法：")) for line in lines)
    assert all(has_chinese(line) for line in lines), err


FILLED_IN = {
    "random bytes called a book": (["extract", "book.epub", "--list"], "book.epub 不是 EPUB 电子书，或者已损坏"),
    "a picture": (["extract", "page.png", "--list"], "page.png 是图片，extract 读不了"),
    "broken XML": (["extract", "play.fdx", "--list"], "play.fdx：它 的第 1 行第 "),
    "a folder below a file": (["init", "book.epub/x"], "book.epub/x：路径中有一段是文件，不是文件夹"),
    "a folder where a file is": (["init", "book.epub"], "book.epub：已经有一个同名的文件"),
    "a name too long": (["init", "x" * 300], "：文件名太长"),
    "an unknown recipe": (["init", "new", "--recipe", "x"], "不认识的配方：“x”"),
    "an unknown format": (["extract", "script.txt", "--format", "zz", "--list"], "不认识的格式：“zz”"),
    "settings that are none": (["migrate", "list.json"], "list.json 按 .json 读不出来：里面没有任何设置"),
    "nobody speaks": (["extract", "script.txt", "--format", "play", "--list"], "script.txt（按 play 读）"),
    "everybody is listed": (
        ["extract", "lines.txt", "--role", "TOM", "--out", "x.jsonl"],
        "找到的说话人：ANN, BOB。",
    ),
}


@pytest.mark.parametrize("case", FILLED_IN)
def test_what_is_filled_into_a_sentence_is_in_chinese_too(
    case: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "book.epub").write_bytes(bytes(range(256)) * 9)
    (tmp_path / "page.png").write_bytes(b"\x89PNG")
    (tmp_path / "play.fdx").write_text("<FinalDraft><")
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "script.txt").write_text("SCENE I.\n\nANN\nGood day.\n\nBOB\nAnd you.\n" * 9, encoding="utf-8")
    (tmp_path / "lines.txt").write_text("ANN: Good day.\nBOB: And you.\n" * 9, encoding="utf-8")
    words, sentence = FILLED_IN[case]
    code, _, err = outputs(capsys, *words)
    assert code != 0
    assert sentence in err


def test_the_tables_of_check_are_in_chinese(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tiny: Path, rows: Path
) -> None:
    text = dump(load(None, {"model.source": str(tiny), "data.source": str(rows), "persona.name": "安"}))
    (tmp_path / "run.yaml").write_text(text, encoding="utf-8")
    code, out, _ = outputs(capsys, "check", "-c", "run.yaml")
    assert code == 0
    for word in ("角色", "系统提示词", "可训练", "结束符", "已验证", "内存", "留出", "下一步"):
        assert word in out, word


def test_a_chat_speaks_chinese_too(tmp_path: Path) -> None:
    i18n.use_language("zh")
    session = ChatSession(Echo(), Paper(), ChatLog(tmp_path / "chats"))
    for line in (
        "/help",
        "/base",
        "/system",
        "/retry",
        "/nonsense",
        "在吗",
        "/undo",
        "/save 谈话.json",
        "/export 谈话.md",
    ):
        session.handle(line)
    assert isinstance(session.screen, Paper)
    assert len(session.screen.notes) == 8
    assert [note for note in session.screen.notes if not has_chinese(note)] == []
    assert all(has_chinese(line) for line in session.screen.notes[0].splitlines()), "every command of /help"
    assert has_chinese(i18n.translate(HELP))
    assert session.names["user"] == "你"
