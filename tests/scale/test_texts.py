"""The scheduler texts of docs/scale.md are read by their own rules, and the torchrun line of each by torchrun's."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from torch.distributed.run import get_args_parser

from offbook.cli.main import group

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PAGES = [DOCS / "scale.md", DOCS / "zh" / "scale.md"]


def blocks(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def scripts(language: str, text: str) -> list[str]:
    """The shell text of a block."""
    if language == "bash":
        return [text]
    matches: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
        elif isinstance(value, str) and "torchrun" in value:
            matches.append(value)

    for document in yaml.safe_load_all(text):
        assert isinstance(document, dict)
        walk(document)
    return matches


def test_both_languages_show_the_same_texts() -> None:
    assert blocks(PAGES[0]) == blocks(PAGES[1])
    assert [language for language, _ in blocks(PAGES[0])] == ["bash", "yaml", "bash", "yaml"]


@pytest.mark.parametrize("number", range(4))
def test_a_text_is_well_formed_and_has_one_line_of_torchrun(number: int) -> None:
    (script,) = scripts(*blocks(PAGES[0])[number])
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    line = re.search(r"torchrun (.*?)(?:\n\n|\n?$)", script.replace("\\\n", " "), re.DOTALL)
    assert line is not None
    assert script.count("torchrun") == 1
    words = shlex.split(re.sub(r"\$\(.*?\)|\$\w+", "2", line[1]))
    launcher = get_args_parser().parse_args(words)
    assert (launcher.training_script, launcher.module) == ("offbook", True)
    verb, *rest = launcher.training_script_args
    command = group.get_command(group.make_context("offbook", ["train"]), verb)
    assert command is not None
    command.make_context("train", list(rest))


def test_the_job_of_kubernetes_finds_its_first_pod() -> None:
    service, job = yaml.safe_load_all(blocks(PAGES[0])[3][1])
    pod = job["spec"]["template"]["spec"]
    assert service["spec"] == {"clusterIP": "None", "selector": {"job-name": job["metadata"]["name"]}}
    assert pod["subdomain"] == service["metadata"]["name"]
    args = pod["containers"][0]["args"][0]
    assert f"--master-addr {job['metadata']['name']}-0.{pod['subdomain']} " in args
    assert f"--nnodes {job['spec']['completions']} " in args
