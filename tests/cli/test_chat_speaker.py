"""The character is loaded while the user types: who asks for it waits, and hears what went wrong or was reported."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from offbook.cli.chat_speaker import BackgroundLoad, CharacterSpeaker
from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import UsageError
from offbook.core.progress import Reporter
from offbook.core.types import Turn
from offbook.tokenization.chat_template import ChatTemplate
from tests.tiny import chatml_tokenizer


def test_whoever_asks_waits_and_then_sees_what_was_reported(capsys: pytest.CaptureFixture[str]) -> None:
    may_end = threading.Event()

    def load(reporter: Reporter) -> str:
        reporter.stage("Reading weights")
        reporter.warning("the sails are torn")
        assert may_end.wait(30)
        return "Mira"

    loading = BackgroundLoad(load, "mira")
    assert "torn" not in capsys.readouterr().err
    threading.Timer(0.2, may_end.set).start()
    assert loading.result() == "Mira"
    shown = capsys.readouterr().err
    assert "Loading mira" in shown
    assert "the sails are torn" in shown
    assert "Reading weights" not in shown
    assert loading.result() == "Mira"
    assert capsys.readouterr().err == ""
    loading.leave()


def test_what_cannot_be_loaded_is_raised_to_whoever_asks() -> None:
    def load(_: Reporter) -> Any:
        raise UsageError("the weights are damaged", "Pull them again.")

    loading = BackgroundLoad(load, "mira")
    for _ in range(2):
        with pytest.raises(UsageError, match="damaged"):
            loading.result()


def test_the_base_model_is_loaded_once_where_the_adapter_is_merged() -> None:
    config = SimpleNamespace(max_position_embeddings=64)
    config.get_text_config = lambda: config

    def character(name: str, base_engine: object) -> Any:
        return SimpleNamespace(
            base_engine=base_engine,
            model=SimpleNamespace(config=config),
            template=SimpleNamespace(prompt_ids=lambda turns: [1] * len(turns), text_ids=lambda text: [1]),
            with_system=lambda turns: list(turns),
            stream=lambda turns, **options: iter([SimpleNamespace(text=f"{name} {options['base']}")]),
        )

    loads = []

    def load() -> Any:
        loads.append(1)
        return character("both", object())

    speaker: Any = CharacterSpeaker(SimpleNamespace(), lambda: character("merged", None), load)  # type: ignore[arg-type]

    def reply(*, base: bool) -> str:
        options: Any = {"settings": GenerationConfig(max_new_tokens=4), "seed": 0}
        return "".join(speaker.stream([Turn("user", "Who?")], base=base, **options))

    assert reply(base=False) == "merged False"
    assert [reply(base=True), reply(base=True), reply(base=False)] == ["both True", "both True", "both False"]
    assert len(loads) == 1


def test_a_talk_of_30_000_tokens_goes_on_without_its_oldest_messages() -> None:
    template = ChatTemplate(chatml_tokenizer())
    config = SimpleNamespace(max_position_embeddings=512)
    config.get_text_config = lambda: config
    given: list[list[Turn]] = []

    def stream(turns: list[Turn], **_: Any) -> Iterator[Any]:
        given.append(turns)
        return iter([SimpleNamespace(text="Good night.")])

    character: Any = SimpleNamespace(
        base_engine=None,
        model=SimpleNamespace(config=config),
        template=template,
        with_system=lambda turns: [Turn("system", "You are Mira."), *turns],
        stream=stream,
    )
    greeting = Turn("assistant", "Who knocks?")
    talk = [
        turn
        for number in range(1500)
        for turn in (Turn("user", f"Knock {number}, is it?"), Turn("assistant", f"Number {number} it is, as ever."))
    ]
    assert len(template.text_ids("".join(turn.text for turn in talk))) > 30_000
    speaker: Any = CharacterSpeaker(SimpleNamespace(), lambda: character, lambda: None)  # type: ignore[arg-type]
    options: Any = {"base": False, "settings": GenerationConfig(max_new_tokens=64), "seed": 0}
    last = Turn("user", "Good night")
    assert list(speaker.stream([greeting, *talk, last], **options)) == ["Good night."]
    kept = given[-1]
    assert kept[:2] == [Turn("system", "You are Mira."), greeting]
    assert kept[-1] == last
    assert 0 < speaker.forgotten < len(talk)
    assert kept[2:] == [*talk, last][speaker.forgotten :]
    assert len(template.prompt_ids(kept)) <= 512 - 64
    list(speaker.stream([greeting, last], **options))
    assert speaker.forgotten == 0
    with pytest.raises(UsageError, match="the message is too long: 8,388,608 characters"):
        list(speaker.stream([Turn("user", "Knock, knock, knock, knock, who?" * 2**18)], **options))
