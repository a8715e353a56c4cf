"""From messages to a prompt: the system prompt's policies, turns of one speaker, and talks longer than the context."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from offbook.core.types import Turn
from offbook.server.conversation import (
    ContextOverflowError,
    Prompt,
    SystemPolicy,
    fit,
    spoken_turns,
    system_text,
)

OWN = "You are Ophelia."


def persona(system: str | None) -> Any:
    return SimpleNamespace(system=system)


@pytest.mark.parametrize(
    ("policy", "sent", "expected"),
    [
        ("append", [], OWN),
        ("append", ["  \n"], OWN),
        ("append", ["Be brief."], f"{OWN}\n\nBe brief."),
        ("append", ["Be brief.", "", "Be kind."], f"{OWN}\n\nBe brief.\n\nBe kind."),
        ("append", [f"{OWN} Be brief."], f"{OWN} Be brief."),
        ("replace", ["Be brief."], "Be brief."),
        ("replace", [""], OWN),
        ("force", ["Be brief."], OWN),
    ],
)
def test_whose_system_prompt(policy: SystemPolicy, sent: list[str], expected: str) -> None:
    turns = [*(Turn("system", text) for text in sent), Turn("user", "Hello")]
    assert system_text(persona(OWN), turns, policy) == expected


@pytest.mark.parametrize("policy", ["append", "replace", "force"])
def test_a_character_without_a_prompt(policy: SystemPolicy) -> None:
    turns = [Turn("system", "Be brief.")]
    assert system_text(persona(None), turns, policy) == (None if policy == "force" else "Be brief.")
    assert system_text(persona(None), [], policy) is None


def test_empty_turns_are_left_out_and_neighbours_joined() -> None:
    turns = [Turn("user", "a"), Turn("assistant", " "), Turn("user", "b"), Turn("system", "s"), Turn("assistant", "c")]
    assert spoken_turns(turns) == [Turn("user", "a\nb"), Turn("assistant", "c")]


def encode(turns: Sequence[Turn]) -> list[int]:
    """Two ids around a turn, and one for each letter in it."""
    return [ord(letter) for turn in turns for letter in f"<{turn.text}>"]


def talk(exchanges: int) -> list[Turn]:
    turns = [Turn("system", "S" * 8), Turn("assistant", "G" * 8)]
    for number in range(exchanges):
        turns += [Turn("user", f"q{number:07}"), Turn("assistant", f"a{number:07}")]
    return [*turns, Turn("user", "the last")]


def fitted(turns: list[Turn], room: int) -> Prompt:
    return fit(turns, pinned=2, room=room, encode=encode, count=len)


def test_what_fits_is_left_as_it_is() -> None:
    turns = talk(5)
    assert fitted(turns, len(encode(turns))) == Prompt(encode(turns))


def test_the_oldest_go_first_and_what_is_pinned_stays() -> None:
    turns = talk(100)
    prompt = fitted(turns, 400)
    assert len(prompt.ids) <= 400
    assert prompt.dropped_messages % 2 == 0, "the prompt goes on with something that the user said"
    assert prompt.ids == encode([*turns[:2], *turns[2 + prompt.dropped_messages :]])
    assert len(prompt.ids) > 300, "no more is forgotten than needed, but for a block"


def test_a_talk_that_goes_on_keeps_its_beginning_for_a_while() -> None:
    starts = [fitted(talk(exchanges), 1000).dropped_messages for exchanges in range(60, 120)]
    assert starts == sorted(starts)
    assert 5 < len(set(starts)) < 20, "engines keep what a prompt begins with"


def test_the_last_exchange_alone_is_too_long() -> None:
    with pytest.raises(ContextOverflowError) as raised:
        fitted([*talk(3)[:-1], Turn("user", "x" * 500)], 300)
    assert raised.value.tokens > 300


def test_a_long_talk_of_short_messages_is_fitted_soon() -> None:
    turns = [Turn(("user", "assistant")[number % 2], "k") for number in range(30_001)]
    calls = []
    prompt = fit(turns, pinned=0, room=4000, encode=lambda some: calls.append(1) or encode(some), count=len)  # type: ignore[func-returns-value]
    assert 3000 < len(prompt.ids) <= 4000
    assert len(calls) < 5
