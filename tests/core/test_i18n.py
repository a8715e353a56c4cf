"""The language of messages: chosen, complete, and with the same placeholders."""

from __future__ import annotations

import ast
import locale
import os
import re
import shutil
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from babel.messages import Catalog

from offbook.core import i18n
from offbook.core.errors import UsageError
from offbook.core.progress import fill
from offbook.evaluation.html_report import render
from offbook.evaluation.verdict import judge
from tests import catalogue
from tests.evaluation.fakes import good_card

OTHERS = [language for language in i18n.languages() if language != i18n.SOURCE_LANGUAGE]


@pytest.fixture(autouse=True)
def english() -> object:
    """Whatever a test does, the next one speaks English."""
    yield
    i18n.use_language(i18n.SOURCE_LANGUAGE)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def is_literal(text: ast.expr) -> bool:
    return isinstance(text, ast.Constant) and isinstance(text.value, str)


def fields_only(text: str) -> bool:
    return re.fullmatch(r"{\w+}", text) is not None


def is_template(text: str) -> bool:
    try:
        return bool(fields(text))
    except ValueError:  # a brace that stands for itself
        return False


@pytest.mark.parametrize("language", OTHERS)
def test_no_message_lacks_its_translation_and_placeholders_agree(language: str) -> None:
    catalogued = catalogue.read(language)
    single = [message for message in catalogued if message.id and isinstance(message.id, str)]
    translations = {cast(str, message.id): cast(str, message.string) for message in single}
    assert [text for text in catalogue.messages() if not translations.get(text)] == []
    assert [text for text in translations if is_template(text) and fields(text) != fields(translations[text])] == []
    kept = "\b"  # click's sign for lines that are not to be wrapped
    assert [text for text in translations if text.count(kept) != translations[text].count(kept)] == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_click_says_of_one_and_of_several_is_translated(language: str) -> None:
    catalogued = catalogue.read(language)
    for pair in catalogue.CLICK_PLURALS:
        message = catalogued.get(pair[0])
        assert message is not None
        texts = list(message.string or [""])
        assert all(texts)
        assert all(fields(text) <= fields(pair[0]) | fields(pair[1]) for text in texts)


def calls() -> Iterator[tuple[str, ast.Call, list[ast.expr]]]:
    """(place, call, its texts) of every error and event in the code."""
    for path in catalogue.SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = getattr(node, "func", None)
            name = getattr(called, "id", getattr(called, "attr", ""))
            if isinstance(node, ast.Call) and name in (*catalogue.CALLS, *catalogue.ERRORS):
                texts = node.args[: 2 if name in catalogue.ERRORS else 1]
                yield f"{path.relative_to(catalogue.SOURCE)}:{node.lineno}", node, texts


def test_no_error_or_event_is_filled_in_before_it_can_be_translated() -> None:
    """A text with its fields filled in is in no catalogue."""
    composed = (ast.JoinedStr, ast.BinOp, ast.IfExp)
    assert [
        place
        for place, _, texts in calls()
        for text in texts
        if isinstance(text, composed) and any(isinstance(part, ast.JoinedStr) for part in ast.walk(text))
    ] == []


def test_every_literal_text_is_catalogued() -> None:
    """Babel does not look into the fields of f-strings (before Python 3.12)."""
    catalogued = set(catalogue.messages())
    literal = [(place, ast.literal_eval(text)) for place, _, texts in calls() for text in texts if is_literal(text)]
    assert [each for each in literal if each[1] and each[1] not in catalogued and not fields_only(each[1])] == []


def test_every_error_and_event_is_given_its_fields() -> None:
    faults = []
    for place, call, texts in calls():
        given = {keyword.arg for keyword in call.keywords}
        if None in given:  # **fields: which they are stands elsewhere
            continue
        literal = [text.value for text in texts if isinstance(text, ast.Constant) and isinstance(text.value, str)]
        if given - {"exit_code"} and any(not fields(text) <= given for text in literal):
            faults.append(place)
    assert faults == []


@pytest.mark.parametrize("language", OTHERS)
def test_the_compiled_catalogue_is_current(language: str) -> None:
    path = i18n.LOCALES / language / "LC_MESSAGES" / f"{i18n.DOMAIN}.mo"
    assert path.read_bytes() == catalogue.compiled(catalogue.read(language)), "make it: python tests/catalogue.py"


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "OFFBOOK_LANG": "en"}, "en"),
        ({"OFFBOOK_LANG": "zh-Hans"}, "zh"),
        ({"OFFBOOK_LANG": "xx"}, "en"),
    ],
)
def test_the_language_is_the_users(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], language: str) -> None:
    for name in ("OFFBOOK_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(locale, "getlocale", lambda: (None, None))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert i18n.preferred_language() == language


def test_messages_are_translated_before_their_fields_are_filled() -> None:
    i18n.use_language("zh")
    assert fill("Loading {source}", {"source": "{x}"}) == "正在加载 {x}"
    error = UsageError("no run '{name}'{hint}", "See `offbook runs list`.", name="甲", hint="")
    assert str(error) == "没有叫“甲”的训练\n用 `offbook runs list` 看看有哪些。"
    assert fill("a sentence that no catalogue has", {}) == "a sentence that no catalogue has"
    i18n.use_language("xx")
    assert i18n.language() == "en"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--help"], "让模型学会角色的台词。"),
        (["train", "--help"], "最要紧的设置"),
        (["train", "--help-all"], "训练序列最长多少个词元"),
        (["chat", "--help"], "接着上一次的对话。"),
        (["runs", "show", "nobody"], "错误：没有叫“nobody”的训练"),
        (["train"], "没有数据，也没有指定设置文件"),
        (["train", "-c", "none.yaml"], "无法读取 none.yaml：没有这个文件"),
        (["train", "--data.source", "x", "--train.epochs", "many"], "--train.epochs 是 'many'：应当是一个数"),
        (["train", "--track.to", "x"], "没有 --track.to 这个选项：现在叫 --track.trackers"),
        (["init", "x", "--recipe", "hamlett"], "是想写“hamlet”吗？"),
        (["chat", "x", "--json"], "--json 要和一句话一起用"),
        (["trian"], "没有 'trian' 这个命令"),
    ],
)
def test_the_command_line_speaks_chinese(tmp_path: Path, words: list[str], text: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "offbook", "--lang", "zh", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert text in answer.stdout + answer.stderr


def third_catalogue(folder: Path) -> None:
    """A catalogue in a language of its own: every message in angle brackets."""
    new = Catalog(locale="eo", domain=i18n.DOMAIN)
    for text in catalogue.messages():
        new.add(text, f"‹{text}›")
    target = folder / "eo" / "LC_MESSAGES" / f"{i18n.DOMAIN}.mo"
    target.parent.mkdir(parents=True)
    target.write_bytes(catalogue.compiled(new))


def test_a_third_language_is_one_more_file(tmp_path: Path) -> None:
    """Help, errors, the tables and the page of check, in a copy of the package with one file more."""
    shutil.copytree(catalogue.SOURCE, tmp_path / "offbook", ignore=shutil.ignore_patterns("__pycache__"))
    third_catalogue(tmp_path / "offbook" / "locales")
    (tmp_path / "lines.jsonl").write_text('{"instruction": "Who?", "output": "I."}\n' * 3, encoding="utf-8")
    (tmp_path / "run.yaml").write_text("data: {source: lines.jsonl}\nevaluate: {lang: eo}\n", encoding="utf-8")

    def outcome(*words: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(tmp_path), "OFFBOOK_LANG": "eo"}
        command = [sys.executable, "-m", "offbook", *words]
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", check=False, cwd=tmp_path, env=environment
        )
        return " ".join((done.stdout + done.stderr).split())

    help_page = outcome("train", "--help")
    assert "‹Teach the model the character's lines;" in help_page
    assert "‹How many times each row is trained on.›" in help_page
    assert "‹Error: ‹no run 'nobody'››" in outcome("runs", "show", "nobody")
    page = tmp_path / "page.html"
    shown = outcome("check", "-c", "run.yaml", "--data", "lines.jsonl", "--html", str(page))
    assert "Next: offbook init FOLDER" in shown
    assert "‹Not yet usable›" in shown
    html = page.read_text(encoding="utf-8")
    assert '<html lang="eo">' in html
    assert "‹Findings›" in html
    assert "‹Characters in a reply›" in html


def test_the_verdict_and_its_page_speak_a_third_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    third_catalogue(tmp_path)
    monkeypatch.setattr(i18n, "LOCALES", tmp_path)
    verdict = judge(good_card(), lang="eo")
    assert verdict.findings[0].text.startswith("‹It learned the part")
    html = render(good_card(), verdict, lang="eo")
    assert '<html lang="eo">' in html
    for text in ("‹It learned the part", "‹Base model›", "‹Replies that end›"):
        assert text in html
