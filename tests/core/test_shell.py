"""Commands that are printed can be copied: a shell reads the words that were meant, and finds the program."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from offbook.cli.main import VERBS
from offbook.core.shell import offbook_command, quoted, shell_command

SOURCE = Path(__file__).resolve().parents[2] / "src" / "offbook"
WORDS = [
    "runs/plain",
    "runs/with space",
    "it's",
    'a "b"',
    "台词 一.txt",
    "100%",
    "~me",
    "=zsh",
    "a;b",
    "$HOME",
    "*",
    "",
    "a\\b",
    "　",
]


@pytest.mark.skipif(os.name == "nt", reason="quotes of a POSIX shell")
@pytest.mark.parametrize("word", WORDS)
def test_a_shell_reads_each_word_as_it_was(word: str) -> None:
    typed = shell_command("printf", "%s", word)
    assert shlex.split(typed) == ["printf", "%s", word]
    assert subprocess.run(["sh", "-c", typed], capture_output=True, text=True, check=True).stdout == word


def test_plain_and_chinese_words_stay_bare() -> None:
    for word in ("runs/hamlet", "甄嬛/run.yaml", "--persona.name", "2.5e-4", "hf:org/name", "莞嫔=甄嬛"):
        assert quoted(word) == word


def test_the_program_has_its_name_only_where_path_leads_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script, other = tmp_path / "my env" / "bin" / "offbook", tmp_path / "else" / "offbook"
    for path in (script, other):
        path.parent.mkdir(parents=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script.with_name("python")))
    monkeypatch.setenv("PATH", str(script.parent))
    assert offbook_command("chat", "runs/my run") == "offbook chat 'runs/my run'"
    monkeypatch.setenv("PATH", str(other.parent))
    assert offbook_command("chat", "x") == f"'{script}' chat x"
    monkeypatch.chdir(tmp_path)
    assert offbook_command("doctor") == "'my env/bin/offbook' doctor"
    script.unlink()
    assert offbook_command("doctor") == f"'{sys.executable}' -m offbook doctor"


def test_every_message_gets_its_commands_from_here() -> None:
    """A command that is written into a message and filled with values there would not be quoted."""
    bare = re.compile(rf"\boffbook (?:{'|'.join(VERBS)})\b[^\n]*\{{")
    faults = []
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            elif isinstance(node, ast.JoinedStr):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
            else:
                continue
            if bare.search(text):
                faults.append(f"{path.relative_to(SOURCE)}:{node.lineno}: {text[:80]}")
    assert not faults
