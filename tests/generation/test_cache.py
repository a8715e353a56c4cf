"""Models whose cache is a state: replies are those of a model that computes all of the text for each token."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
import torch

from offbook.core.config.schema import GenerationConfig
from offbook.generation.batch import generate
from offbook.generation.cache import ModelCache, logits_at
from offbook.generation.stream import TransformersEngine
from tests.architectures import tiny_config, tiny_model

SHARED = [1, 60, 61, 62]
PROMPTS = [[*SHARED, 70], [*SHARED, 71, 72, 73, 74, 75], [*SHARED, 80], [*SHARED, 71, 72]]
GREEDY = GenerationConfig(temperature=0, repetition_penalty=1, max_new_tokens=8)
NEVER = [10_000]


class Numbers:
    """Stands in for a tokenizer: the text is the ids."""

    def decode(self, ids: list[int], **_: Any) -> str:
        return " ".join(map(str, ids))


def reference(model: Any, prompt: list[int]) -> list[int]:
    """The likeliest tokens, every one computed from the whole text."""
    ids = list(prompt)
    with torch.no_grad():
        for _ in range(GREEDY.max_new_tokens):
            ids.append(int(model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
    return ids[len(prompt) :]


@pytest.mark.parametrize(
    ("architecture", "recurrent"),
    [
        ("llama", False),
        ("lfm2", True),
        ("qwen3_next", True),
        ("mamba2", True),
        ("jamba", True),
        ("rwkv", None),
        ("minimax", None),
    ],
)
def test_replies_of_a_batch_and_of_a_stream(architecture: str, recurrent: bool | None) -> None:
    model = tiny_model(tiny_config(architecture))
    cache = ModelCache.of(model)
    assert (cache.cache is None) == (recurrent is None)
    assert cache.is_recurrent == bool(recurrent)
    expected = [reference(model, prompt) for prompt in PROMPTS]
    replies = generate(model, Numbers(), PROMPTS, GREEDY, NEVER, rows=3)
    assert [reply.text for reply in replies] == [" ".join(map(str, ids)) for ids in expected]
    engine = TransformersEngine(model)
    for prompt, ids in zip([*PROMPTS, [*PROMPTS[0], *expected[0], 75]], expected, strict=False):
        tokens = (token for token in engine.tokens(prompt, GREEDY, 0) if token is not None)
        assert list(islice(tokens, len(ids))) == ids


def test_rows_that_end_are_taken_out_of_a_state() -> None:
    model = tiny_model(tiny_config("lfm2"))
    prompts = [[1, 60, 61], [1, 62, 63], [1, 64, 65]]
    expected = [reference(model, prompt) for prompt in prompts]
    stop = [expected[0][1]]  # the first row ends early
    replies = generate(model, Numbers(), prompts, GREEDY, stop)
    for reply, ids in zip(replies, expected, strict=True):
        end = ids.index(stop[0]) if stop[0] in ids else len(ids)
        assert reply.text == " ".join(map(str, ids[:end]))


@pytest.mark.parametrize("architecture", ["llama", "xlstm"])
def test_logits_of_some_positions(architecture: str) -> None:
    model = tiny_model(tiny_config(architecture))
    ids = torch.arange(3, 13)[None]
    with torch.no_grad():
        full = model(input_ids=ids, use_cache=False).logits
        some = logits_at(model, torch.tensor([2, 5]), input_ids=ids, use_cache=False)
        last = logits_at(model, 1, input_ids=ids, use_cache=False)
    assert torch.allclose(some, full[:, [2, 5]], atol=1e-5)
    assert torch.allclose(last, full[:, -1:], atol=1e-5)
