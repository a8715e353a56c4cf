"""What pages advise can be done: every setting and option that they name is there."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from offbook.cli.reference import commands
from offbook.core.config.schema import options

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = ("troubleshooting.md", "machines.md", "evaluation.md", "tutorial.md", "other-tools.md")
SETTING = re.compile(r"(?<![\w./-])(?:--)?((?:model|persona|data|generation|lora|train|track|evaluate)\.[a-z_.]+)")
OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]+)(?![\w.-])")
NO_SETTINGS = re.compile(r"\.(md|py|json|jsonl|yaml|html|sh|txt)$")
"""Names of files, which look like settings."""
FOREIGN = {"index-url", "gpus"}
"""Options of other programs."""


def texts() -> list[tuple[str, str]]:
    """(page, what stands in it as code)."""
    result = []
    for page in PAGES:
        for path in (DOCS / page, DOCS / "zh" / page):
            text = path.read_text(encoding="utf-8")
            code = re.findall(r"`[^`\n]+`|^    .*$", text, re.MULTILINE)
            result.append((path.relative_to(DOCS).as_posix(), "\n".join(code)))
    return result


@pytest.mark.parametrize(("page", "text"), texts(), ids=[page for page, _ in texts()])
def test_every_setting_that_a_page_names_is_there(page: str, text: str) -> None:
    del page
    named = {name.rstrip(".") for name in SETTING.findall(text) if not NO_SETTINGS.search(name)}
    settings = {name for name, _ in options()}
    sections = {name.rpartition(".")[0] for name in settings}
    assert named - settings - sections == set()


@pytest.mark.parametrize(("page", "text"), texts(), ids=[page for page, _ in texts()])
def test_every_option_that_a_page_names_is_there(page: str, text: str) -> None:
    del page
    lines = [line for line in text.splitlines() if "benchmarks/" not in line and "torchrun" not in line]
    flags = {flag for _, command in commands() for option in command.params
             if isinstance(option, click.Option) for flag in (*option.opts, *option.secondary_opts)}  # fmt: skip
    named = {f"--{name}" for name in OPTION.findall("\n".join(lines)) if name not in FOREIGN}
    assert named - flags == set()


def test_what_is_wrong_would_be_seen() -> None:
    assert SETTING.findall("`--train.epohcs 1`") == ["train.epohcs"]
    assert OPTION.findall("`offbook eval RUN --dta FILE`") == ["dta"]
