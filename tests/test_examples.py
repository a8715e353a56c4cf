"""What the READMEs and the pages show is run, in the order of each page, on a tiny model.

Commands of offbook and Python run as they stand, in a folder that holds the files which they name; options that would
make them long are overridden. What would wait for a person or a network is parsed to the last word. Commands of other
programs are looked up: a make target exists, a benchmark has the options.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from offbook.cli.main import group, main
from offbook.core.config.loading import dump, load
from tests.conftest import LINES

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "README.zh.md", *sorted((ROOT / "docs").rglob("*.md"))]

PARSED = {"completion", "migrate", "prove", "pull", "push", "serve", "studio", "sweep"}
"""Verbs that wait for a person, a client or a network, or that take long: their command lines are parsed alone."""
ELSEWHERE = {
    "git",
    "docker",
    "llama-server",
    "ollama",
    "vllm",
    "pip",
    "source",
    "eval",
    "curl",
    "swanlab",
    "du",
    "/usr/bin/time",
}
"""Programs that are not ours."""


def blocks(page: Path) -> Iterator[tuple[str, list[str]]]:
    """(language or "", lines) of every example of a page: indented by four spaces, or fenced."""
    text, fenced = page.read_text(encoding="utf-8"), re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    for match in fenced.finditer(text):
        yield match[1], match[2].splitlines()
    for match in re.finditer(r"(?:^|\n\n)((?:    .*(?:\n|$))+)", fenced.sub("", text)):
        yield "", [line[4:] for line in match[1].splitlines()]


def commands(page: Path) -> list[list[str]]:
    """The words of every command line of a page that a person would type."""
    starts = {"offbook", "make", "python", "pytest", *ELSEWHERE}
    result = []
    for language, lines in blocks(page):
        if language not in ("", "sh", "bash"):
            continue
        for line in "\n".join(lines).replace("\\\n", " ").splitlines():
            for part in re.split(r" && |(?<=\S) \|\|? ", re.sub(r"(^|\s{2,})#.*$", "", line)):
                if part.split()[:1] and part.split()[0] in starts:
                    result.append(shlex.split(part, comments=True))
    return result


def programs(page: Path) -> list[str]:
    """The Python examples of a page."""
    return [
        "\n".join(lines)
        for language, lines in blocks(page)
        if language in ("", "python") and lines and re.match(r"(from|import) \w", lines[0])
    ]


def test_the_examples_are_found() -> None:
    assert len(commands(ROOT / "README.md")) >= 6
    assert sum(len(commands(page)) for page in PAGES) > 60
    assert sum(len(programs(page)) for page in PAGES) >= 4


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, trained: Path, settings: dict[str, Any]) -> Path:
    """A folder with every file that the pages name, and two finished runs."""
    place = tmp_path_factory.mktemp("examples")
    pairs = [line.split("|") for line in LINES.strip().splitlines()]
    script = "SCENE I. A room.\n\n" + "\n\n".join(
        f"{name}\n{text}" for question, answer in pairs for name, text in (("ORLANDO", question), ("ROSALIND", answer))
    )
    (place / "script.txt").write_text(script, encoding="utf-8")
    (place / "hamlet.md").write_text(script.replace("ROSALIND", "HAMLET"), encoding="utf-8")
    chinese = "第一场 碎玉轩 夜 内\n\n" + "".join(
        f"皇上：今日第{number}次问你。\n{name}：臣妾答第{number}次。\n"
        for number in range(20)
        for name in ("甄嬛", "莞嫔")
    )
    (place / "剧本").mkdir()
    for path in (place / "剧本.txt", place / "剧本" / "1.txt"):
        path.write_text(chinese, encoding="utf-8")
    chat = "".join(
        f"12/05/2021, 21:{minute} - {name}: {minute}?\n" for minute in range(10, 50, 2) for name in ("Ann", "Tom")
    )
    (place / "WhatsApp Chat with Ann.txt").write_text(chat, encoding="utf-8")
    messages = [{"type": "message", "from": name, "from_id": name, "text": f"to {name}"} for name in ("Ann", "Tom") * 4]
    (place / "result.json").write_text(json.dumps({"name": "Ann", "messages": messages}), encoding="utf-8")
    (place / "聊天").mkdir()
    (place / "聊天" / "1.csv").write_text("发送者,内容\n" + "阿澈,在吗\n老汤,在\n" * 4, encoding="utf-8")
    rows = [{"instruction": question, "input": "", "output": answer} for question, answer in pairs]
    (place / "huanhuan.json").write_text(json.dumps(rows), encoding="utf-8")
    fresh = [{"instruction": f"And {question.lower()}", "output": f"Now, {answer}"} for question, answer in pairs]
    (place / "new.jsonl").write_text("".join(json.dumps(row) + "\n" for row in fresh), encoding="utf-8")
    jester = load(None, {**settings, "name": "touchstone", "train.epochs": 1})
    (place / "touchstone").mkdir()
    for path in (place / "touchstone" / "run.yaml", place / "run.yaml"):
        path.write_text(dump(jester), encoding="utf-8")
    for name in ("hamlet", "hamlet-2", "zhenhuan"):
        shutil.copytree(trained, place / "runs" / name)
    with pytest.raises(SystemExit):
        main(["eval", str(place / "runs" / "hamlet-2"), "--prompts", "3"])
    return place


@pytest.fixture
def overrides(settings: dict[str, Any]) -> list[str]:
    """Options that make a recipe a matter of seconds."""
    short = {
        "model.source": settings["model.source"],
        "model.revision": "master",
        "data.replay": "null",
        "train.epochs": "1",
        "track.trackers": "[]",
        "evaluate.prompts": "3",
        "generation.max_new_tokens": "8",
    }
    return [word for name, value in short.items() for word in (f"--{name}", str(value))]


def parse(words: list[str]) -> None:
    """Parse a command line to the last word without running it."""
    with group.make_context("offbook", list(words), resilient_parsing=False) as context:
        name, command, rest = group.resolve_command(context, words)
        assert command is not None
        command.make_context(name, list(rest), parent=context)


def run(words: list[str], overrides: list[str]) -> None:
    """Run a command of offbook as if typed; what a page shows ends with 0, or 3 where it asks about quality."""
    if words[0] in PARSED or "--help" in words or "--with" in words:
        parse(words)
        return
    if words[0] == "chat":  # for a single message: nobody sits there
        words = [*words, "--message", "Who are you?", "--max-new-tokens", "4"]
    if words[0] == "extract":  # the shell's part
        words = [match for word in words for match in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]
    if words[0] in ("check", "train"):
        words = [*words, *overrides]
        if "zhenhuan/run.yaml" in words:  # its rows are on the web, and the page trains it again
            words += ["--data.source", "huanhuan.json"]
            shutil.rmtree("runs/zhenhuan", ignore_errors=True)
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code in ((0, 3) if "--gate" in words or words[0] == "export" else (0,)), words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_is_right(
    page: Any, workspace: Any, overrides: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "here"
    shutil.copytree(workspace, place)
    monkeypatch.chdir(place)
    monkeypatch.setenv("OFFBOOK_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("OFFBOOK_RUNS", raising=False)
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    english = ROOT / "docs" / page.name
    already = commands(english) if page.parent.name == "zh" and english.exists() else []
    for program, *words in [words for words in commands(page) if words not in already]:
        if program == "offbook":
            run(words, overrides)
        elif program == "make":
            assert {word for word in words if "=" not in word} <= targets, words
        elif program == "python" and words[0] == "-m":
            assert words[1].split(".")[0] in ("offbook", "pip", "venv"), words
        elif program == "python":
            source = (ROOT / words[0]).read_text(encoding="utf-8")
            assert [word for word in words[1:] if word.startswith("--") and f'"{word}"' not in source] == [], words
        elif program == "pytest":
            assert all((ROOT / word).exists() for word in words if word.startswith("tests")), words
        else:
            assert program in ELSEWHERE


@pytest.mark.parametrize(
    ("page", "source"),
    [(page, source) for page in PAGES for source in programs(page) if "base_url" not in source],
    ids=lambda value: str(value.relative_to(ROOT)) if isinstance(value, Path) else "python",
)
def test_python_examples_run(
    page: Any, source: Any, workspace: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "here"
    shutil.copytree(workspace, place)
    monkeypatch.chdir(place)
    if "export/merged-f32" in source:
        with pytest.raises(SystemExit):
            main(["export", "runs/hamlet", "--to", "merged"])
    if "zhenhuan/run.yaml" in source:  # the page's commands have made it
        shutil.copytree("touchstone", "zhenhuan")
    exec(compile(source, str(page), "exec"), {})


def test_python_examples_are_typed(tmp_path: Path) -> None:
    examples = [(page, source) for page in PAGES for source in programs(page)]
    for number, (page, source) in enumerate(examples):
        if page.stem in ("README", "README.zh", "python"):
            (tmp_path / f"example_{page.parent.name}_{page.stem.replace('.', '_')}_{number}.py").write_text(
                source, encoding="utf-8"
            )
    files = sorted(map(str, tmp_path.glob("*.py")))
    assert len(files) >= 12
    # With the project's own settings, so that what `make lint` knows of its modules need not be found out anew.
    command = [sys.executable, "-m", "mypy", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    faults = [line for line in done.stdout.splitlines() if "example_" in line]
    assert not faults, faults
    assert done.returncode in (0, 1), done.stdout + done.stderr


def test_a_misspelt_example_is_noticed() -> None:
    with pytest.raises(click.ClickException):
        parse(["serve", "runs/hamlet", "--no-such-option"])
