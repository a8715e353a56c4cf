"""One reply as a stream: the same as in a batch, with its prompt read in pieces, on a cache that is kept."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from offbook.core.config.schema import GenerationConfig
from offbook.generation import decoder, stream
from offbook.generation.batch import generate
from offbook.generation.stream import TransformersEngine
from tests.generation.conftest import peft_model
from tests.tiny import ARCHITECTURES, chatml_tokenizer, tiny_model

PROMPT = [1, *range(60, 120)]
NEVER = [10_000]
GREEDY = GenerationConfig(temperature=0, repetition_penalty=1.1, max_new_tokens=12)
LIVELY = GenerationConfig(temperature=1.2, top_p=0.95, max_new_tokens=12)


def streamed(engine: TransformersEngine, settings: GenerationConfig, seed: int | None = None, length: int = 61) -> str:
    chunks = list(stream.stream(engine, chatml_tokenizer(), PROMPT[:length], settings, NEVER, seed))
    assert chunks[-1].stop_reason == "length"
    return "".join(chunk.text for chunk in chunks)


@pytest.mark.parametrize("settings", [GREEDY, LIVELY])
def test_a_seed_gives_the_reply_that_it_gives_in_a_batch(settings: GenerationConfig) -> None:
    model, tokenizer = tiny_model(), chatml_tokenizer()
    prompts = [PROMPT, PROMPT[:30], [5, 6]]
    for prompt, reply in zip(prompts, generate(model, tokenizer, prompts, settings, NEVER, seed=5), strict=True):
        chunks = stream.stream(TransformersEngine(model), tokenizer, prompt, settings, NEVER, 5)
        assert "".join(chunk.text for chunk in chunks) == reply.text


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_prompt_read_in_pieces_gives_the_same_reply(architecture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model(architecture)
    chunks = list(stream.stream(TransformersEngine(model), chatml_tokenizer(), PROMPT, GREEDY, NEVER))
    monkeypatch.setattr(decoder, "PREFILL_CHUNK", 13)
    pieces = list(stream.stream(TransformersEngine(model), chatml_tokenizer(), PROMPT, GREEDY, NEVER))
    assert "".join(chunk.text for chunk in pieces) == "".join(chunk.text for chunk in chunks)
    reading = [chunk for chunk in pieces if chunk.tokens == 0]
    assert len(reading) == 5, "60 tokens in pieces of 13, and the last with the first step"
    assert not any(chunk.text for chunk in reading)


def test_a_reply_given_up_while_its_prompt_was_read_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    model = peft_model(trained=True)
    expected = streamed(TransformersEngine(model), GREEDY)
    monkeypatch.setattr(decoder, "PREFILL_CHUNK", 13)
    engine = TransformersEngine(model)
    given_up = engine.tokens(PROMPT, GREEDY, None)
    assert next(given_up) is None
    given_up.close()  # type: ignore[attr-defined]
    assert streamed(engine, GREEDY) == expected
    assert streamed(engine, GREEDY, length=40) == streamed(TransformersEngine(model), GREEDY, length=40)


def test_tuned_and_base_take_turns_on_one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "PREFILL_CHUNK", 13)
    model = peft_model(trained=True)
    tuned, base = TransformersEngine(model), TransformersEngine(model, use_adapter=False)
    alone = [streamed(tuned, GREEDY), streamed(base, GREEDY)]
    assert alone[0] != alone[1]
    both = [TransformersEngine(model), TransformersEngine(model, use_adapter=False)]
    replies: list[list[int]] = [[], []]
    for pair in zip(*(engine.tokens(PROMPT, GREEDY, None) for engine in both), strict=True):
        for reply, token in zip(replies, pair, strict=True):
            reply += [] if token is None else [token]
        if len(replies[0]) == 12:
            break
    assert [chatml_tokenizer().decode(reply) for reply in replies] == alone


def test_layers_are_exchanged_once_when_the_engine_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    exchanged: list[Any] = []
    monkeypatch.setattr(stream, "use_threaded_linear", exchanged.append)
    engine = TransformersEngine(tiny_model())
    monkeypatch.setattr(torch.nn.Module, "modules", lambda _: pytest.fail("a reply looks through all modules"))
    assert streamed(engine, GREEDY) == streamed(engine, GREEDY)
    assert len(exchanged) == 1
