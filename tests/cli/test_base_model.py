"""The base model that a bare adapter names by its name on a hub: asked for, then pulled."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
import pytest

import offbook.hub.pull
from offbook.cli.base_model import pull_named_base
from offbook.core.errors import UsageError
from offbook.models.adapter_files import WEIGHTS
from offbook.pipeline.adapter_source import resolve_character


@pytest.fixture
def pulled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What is pulled, in place of pulling it."""
    monkeypatch.setenv("OFFBOOK_HOME", str(tmp_path / "home"))
    sources: list[str] = []

    def pull(source: str, revision: str, **_: Any) -> None:
        sources.append(source if revision == "master" else f"{source} at {revision}")

    monkeypatch.setattr(offbook.hub.pull, "pull", pull)
    return sources


def adapter_of(folder: Path, base: str, **settings: str) -> str:
    """A bare adapter folder that names its base model."""
    folder.mkdir()
    (folder / WEIGHTS).write_bytes(b"")
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base, **settings}))
    return str(folder)


def test_the_revision_that_the_adapter_was_trained_on_is_pulled(tmp_path: Path, pulled: list[str]) -> None:
    pull_named_base(adapter_of(tmp_path / "ann", "org/small", revision="v2.1"), None, yes=True)
    pull_named_base(adapter_of(tmp_path / "tom", "org/small-AWQ", revision="v2.1"), None, yes=True)
    assert pulled == ["hf:org/small at v2.1", "hf:org/small"]  # a copy's revision is none of its original's


@pytest.mark.parametrize("agrees", [True, False])
def test_at_a_terminal_the_user_is_asked(
    tmp_path: Path, pulled: list[str], monkeypatch: pytest.MonkeyPatch, agrees: bool
) -> None:
    questions: list[str] = []

    def confirm(question: str, **_: Any) -> bool:
        questions.append(question)
        return agrees

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(click, "confirm", confirm)
    pull_named_base(adapter_of(tmp_path / "ann", "org/small"), None, yes=False)
    assert "Pull hf:org/small?" in questions[0]
    assert pulled == (["hf:org/small"] if agrees else [])


def test_where_nobody_can_be_asked_the_error_says_how(
    tmp_path: Path, pulled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    run = adapter_of(tmp_path / "ann", "org/small")
    pull_named_base(run, None, yes=False)
    assert pulled == []
    with pytest.raises(UsageError) as raised:
        _ = resolve_character(run).base_model
    assert "--base-model (try hf:org/small or ms:org/small)" in raised.value.fix
    assert "--yes" in raised.value.fix
    pull_named_base(run, None, yes=True)
    assert pulled == ["hf:org/small"]


def test_the_original_of_a_quantized_copy_is_pulled(tmp_path: Path, pulled: list[str]) -> None:
    pull_named_base(adapter_of(tmp_path / "ann", "org/small-3b-bnb-4bit"), None, yes=True)
    assert pulled == ["hf:org/small-3b"]


def test_nothing_is_pulled_where_the_base_is_known_or_here(tmp_path: Path, pulled: list[str]) -> None:
    run = adapter_of(tmp_path / "ann", "org/small")
    pull_named_base(run, "hf:other/base", yes=True)
    pull_named_base(adapter_of(tmp_path / "tom", str(tmp_path)), None, yes=True)
    folder = tmp_path / "home" / "models" / "ms" / "org--small" / "master"
    folder.mkdir(parents=True)
    (folder / ".offbook.json").write_text('{"revision": "1", "files": {}}')
    pull_named_base(run, None, yes=True)
    assert pulled == []
