"""A character from Python: turns or dicts, settings by keyword, streams that wait for each other."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import offbook
from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import UsageError
from offbook.core.types import Turn
from offbook.pipeline.character import Character, Reply
from offbook.pipeline.sampling import Sampling
from tests.recorder import Recorder
from tests.tiny import CHATML


@pytest.fixture(scope="module")
def character(trained: Path) -> Character:
    return offbook.load(trained, dtype="float32")


async def collected(character: Character, message: str, **options: Any) -> tuple[str, int]:
    text, tokens = "", 0
    async for chunk in character.astream(message, **options):
        text, tokens = text + chunk.text, chunk.tokens
    return text.strip(), tokens


def test_a_text_a_turn_and_a_dict_are_the_same_message(character: Character) -> None:
    forms: list[Any] = [
        "Who are you?",
        [Turn("user", "Who are you?")],
        [{"role": "user", "content": "Who are you?"}],
        {"role": "user", "content": "Who are you?"},
        [{"role": "system", "content": "You are Hamlet."}, Turn("user", "Who are you?")],
    ]
    assert len({character.reply(form, seed=4).text for form in forms}) == 1


@pytest.mark.parametrize(
    ("message", "what"),
    [
        ([], "no message"),
        ([{"role": "narrator", "content": "Enter Ghost."}], r"message 1: unknown role 'narrator'"),
        ([Turn("user", "Hm?"), {"role": "assistant", "content": None}], "message 2: content is not a text"),
        ([{"content": "Hm?"}], "message 1: unknown role None"),
        (["Hm?"], "message 1 is none: 'Hm\\?'"),
        (3, "no message"),
    ],
)
def test_a_message_that_cannot_be_read_is_named(character: Character, message: Any, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        character.reply(message)


def test_settings_by_keyword_go_before_the_others(character: Character) -> None:
    settings = GenerationConfig(temperature=0, max_new_tokens=9)
    assert character.reply("Where is Polonius?", settings=settings, max_new_tokens=2).tokens <= 2
    greedy = {character.reply("Where is Polonius?", seed=seed, temperature=0).text for seed in range(3)}
    assert len(greedy) == 1
    assert character.persona.generation.temperature == 0.7


def test_a_setting_that_is_unknown_or_out_of_range_is_named(character: Character) -> None:
    unknown: Any = {"temprature": 0.2}
    with pytest.raises(UsageError, match="unknown setting 'temprature', did you mean 'temperature'"):
        character.reply("Hm?", **unknown)
    with pytest.raises(UsageError, match="top_p: input should be less than or equal to 1"):
        character.reply("Hm?", top_p=3)


def test_the_keywords_are_those_of_the_config() -> None:
    assert set(Sampling.__annotations__) == set(GenerationConfig.model_fields)


def test_an_asynchronous_reply_is_the_same_and_leaves_the_loop_free(character: Character) -> None:
    expected = character.reply("What do you read, my lord?", seed=2)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    async def both() -> tuple[str, int]:
        ticking = asyncio.create_task(tick())
        try:
            return await collected(character, "What do you read, my lord?", seed=2)
        finally:
            ticking.cancel()

    assert asyncio.run(both()) == (expected.text, expected.tokens)
    assert ticks > expected.tokens


def test_streams_at_the_same_time_do_not_mix(character: Character) -> None:
    questions = ["Who are you?", "Where is Polonius?", "What hour is it?"]
    expected = [character.reply(question, seed=1).text for question in questions]

    async def together() -> list[tuple[str, int]]:
        return await asyncio.gather(*(collected(character, question, seed=1) for question in questions))

    assert [text for text, _ in asyncio.run(together())] == expected


def test_a_reply_that_is_left_or_cancelled_does_not_block_the_next(character: Character) -> None:
    async def leave() -> None:
        async for _ in character.astream("Who calls there?"):
            break

    async def cancel() -> None:
        tasks = [asyncio.create_task(collected(character, "Who calls there?")) for _ in range(2)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(leave())
    asyncio.run(cancel())
    expected = character.reply("Who are you?", seed=3).text
    assert asyncio.run(asyncio.wait_for(collected(character, "Who are you?", seed=3), 60))[0] == expected


def test_a_notebook_shows_character_and_reply_as_text_not_as_markup(character: Character) -> None:
    shown = character._repr_html_()
    assert "Hamlet" in shown
    assert "You are Hamlet." in shown
    reply = Reply("<b>Aye</b> & no", "length", 5)
    assert "&lt;b&gt;Aye&lt;/b&gt; &amp; no" in reply._repr_html_()
    assert "cut off" in reply._repr_html_()
    assert str(reply) == "<b>Aye</b> & no"


def test_another_chat_template_than_in_training_is_told(trained: Path, tmp_path: Path) -> None:
    adapter = shutil.copytree(trained / "adapter", tmp_path / "adapter")
    persona = json.loads((adapter / "persona.json").read_text())
    for stored, warned in ((persona["template_sha256"], 0), ("0" * 64, 1)):
        (adapter / "persona.json").write_text(json.dumps({**persona, "template_sha256": stored}))
        recorder = Recorder()
        offbook.load(adapter, reporter=recorder)
        assert len(recorder.warnings) == warned
    for number in (-1, 10**9):
        stop_token = {**persona["stop_token"], "id": number}
        (adapter / "persona.json").write_text(json.dumps({**persona, "stop_token": stop_token}))
        with pytest.raises(UsageError, match="would not end"):
            offbook.load(adapter)
    (adapter / "persona.json").write_text(json.dumps({**persona, "system": "You are Hamlet. " * 2**20}))
    with pytest.raises(UsageError, match=r"persona\.system has 16,777,216 characters"):
        offbook.load(adapter)


def test_a_message_beyond_the_models_context_is_refused(character: Character) -> None:
    with pytest.raises(UsageError, match="the message is too long: 9,437,200 characters"):
        character.reply([{"role": "user", "content": "My lord. " * 2**20}])


def test_an_adapters_tokenizer_without_a_template_is_used_with_its_bases(trained: Path, tmp_path: Path) -> None:
    adapter = shutil.copytree(trained / "adapter", tmp_path / "adapter")
    for name in ("persona.json", "chat_template.jinja"):
        (adapter / name).unlink()
    recorder = Recorder()
    character = offbook.load(adapter, reporter=recorder)
    assert character.template.tokenizer.name_or_path == str(adapter)
    assert character.template.tokenizer.chat_template == CHATML
    assert [text for text in recorder.texts if "with its base model's chat template" in text]
