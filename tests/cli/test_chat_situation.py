"""offbook chat: whom the character talks to, and when, as in its training."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from offbook.cli.chat import command
from offbook.core.config.schema import GenerationConfig
from offbook.pipeline import api


@pytest.fixture
def conversations(monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[str, str]]]:
    """What a character of cardboard is asked."""
    prompts: list[list[tuple[str, str]]] = []

    def reply(turns: Any, **_: Any) -> Any:
        prompts.append([(turn.role, turn.text) for turn in turns])
        return SimpleNamespace(text="Since four.", stop_reason="stop", tokens=3)

    persona = SimpleNamespace(system="You are Tom.", greeting=None, generation=GenerationConfig())
    character = SimpleNamespace(persona=persona, reply=reply, merge_adapter=lambda: True)
    monkeypatch.setattr(api, "load", lambda *_, **__: character)
    monkeypatch.setattr("offbook.cli.chat.pull_named_base", lambda *_, **__: None)
    return prompts


def test_the_situation_follows_the_system_prompt(conversations: list[list[tuple[str, str]]]) -> None:
    shown = CliRunner().invoke(command, ["run", "-m", "Lit?", "--json", "--with", "Ann=sister"])
    assert shown.exit_code == 0, shown.output
    assert conversations == [[("system", "You are Tom.\n\nYou are talking with Ann, your sister."), ("user", "Lit?")]]


def test_the_time_is_that_of_the_clock(conversations: list[list[tuple[str, str]]]) -> None:
    assert CliRunner().invoke(command, ["run", "-m", "Lit?", "--json", "--time-of-day"]).exit_code == 0
    ((_, system), _) = conversations[0]
    assert system.startswith("You are Tom.\n\nIt is ")


def test_without_it_the_character_s_own_prompt_stands(conversations: list[list[tuple[str, str]]]) -> None:
    assert CliRunner().invoke(command, ["run", "-m", "Lit?", "--json"]).exit_code == 0
    assert conversations == [[("user", "Lit?")]]
