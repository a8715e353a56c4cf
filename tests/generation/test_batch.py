"""Many replies at once: the same as one at a time, whatever stands beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from offbook.core.config.schema import GenerationConfig
from offbook.core.types import Reply
from offbook.generation.batch import generate
from offbook.generation.decoder import adapter_enabled
from tests.generation.conftest import peft_model
from tests.tiny import ARCHITECTURES, chatml_tokenizer, tiny_model

SHARED = [1, 60, 61, 62, 63, 64]
PROMPTS = [[*SHARED, 70], [*SHARED, 71, 72, 73, 74, 75, 76, 77], [*SHARED, 80, 81, 82], [*SHARED, 71, 72]]
GREEDY = GenerationConfig(temperature=0, repetition_penalty=1.1, max_new_tokens=20)
LIVELY = GenerationConfig(temperature=1.2, top_p=0.95, repetition_penalty=1.1, max_new_tokens=20)
NEVER = [10_000]


class Numbers:
    """Stands in for a tokenizer: the text is the ids."""

    def decode(self, ids: list[int], **_: Any) -> str:
        return " ".join(map(str, ids))


@pytest.fixture
def tokenizer() -> Any:
    return Numbers()


@contextmanager
def counted(model: Any) -> Iterator[list[int]]:
    """Tokens that go through the model, one number a forward pass."""
    seen: list[int] = []
    unwrapped: Any = model.forward

    def forward(*args: Any, **kwargs: Any) -> Any:
        seen.append(kwargs["input_ids"].numel())
        return unwrapped(*args, **kwargs)

    model.forward = forward
    yield seen
    model.forward = forward


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_greedy_replies_equal_those_of_transformers(architecture: str, tokenizer: Any) -> None:
    model: Any = tiny_model(architecture)
    replies = generate(model, tokenizer, PROMPTS, GREEDY, NEVER, rows=3)
    for prompt, reply in zip(PROMPTS, replies, strict=True):
        texts = model.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            max_new_tokens=20,
            do_sample=False,
            repetition_penalty=1.1,
            eos_token_id=NEVER,
            pad_token_id=0,
        )
        assert reply.text == tokenizer.decode(texts[0, len(prompt) :].tolist())
        assert (reply.tokens, reply.stopped) == (20, False)


@pytest.mark.parametrize("architecture", ["llama", "gemma3"])
def test_a_reply_does_not_depend_on_the_others(architecture: str, tokenizer: Any) -> None:
    model = tiny_model(architecture)
    together = generate(model, tokenizer, PROMPTS, LIVELY, [2], seed=3)
    assert together == generate(model, tokenizer, PROMPTS, LIVELY, [2], seed=3, rows=2)
    assert together[::-1] == generate(model, tokenizer, PROMPTS[::-1], LIVELY, [2], seed=3)
    assert together == [generate(model, tokenizer, [prompt], LIVELY, [2], seed=3)[0] for prompt in PROMPTS]
    assert together != generate(model, tokenizer, PROMPTS, LIVELY, [2], seed=4)
    same = generate(model, tokenizer, [PROMPTS[0]] * 3, LIVELY, [2], seed=[4, 3, 4])
    assert same[0] == same[2] != same[1] == together[0]


def test_base_and_tuned_model_have_the_same_draws(tokenizer: Any) -> None:
    model = peft_model(trained=False)
    with adapter_enabled(model, tuned=False):
        base = generate(model, tokenizer, PROMPTS, LIVELY, NEVER)
    assert generate(model, tokenizer, PROMPTS, LIVELY, NEVER) == base


def test_the_base_speaks_without_the_adapter(tokenizer: Any) -> None:
    model = peft_model(trained=True)
    with adapter_enabled(model, tuned=False):
        base = generate(model, tokenizer, PROMPTS, GREEDY, NEVER)
    assert base == generate(tiny_model(), tokenizer, PROMPTS, GREEDY, NEVER)
    assert generate(model, tokenizer, PROMPTS, GREEDY, NEVER) != base


def test_an_ending_token_ends_one_row_alone(tokenizer: Any) -> None:
    model = tiny_model()
    free = generate(model, tokenizer, PROMPTS, GREEDY, NEVER)
    texts = [reply.text.split() for reply in free]
    place, stop_token = next(
        (i, token) for i, token in enumerate(texts[0][2:], 2) if token not in sum(texts[1:], texts[0][:i])
    )
    ended = generate(model, tokenizer, PROMPTS, GREEDY, [int(stop_token)])
    assert ended[0] == Reply(" ".join(texts[0][:place]), stopped=True, tokens=place + 1)
    assert ended[1:] == free[1:]


class Scripted:
    """Stands in for a model: `likeliest` gives the tokens that it finds likely after the last one, all alike."""

    config, device = tiny_model().config, torch.device("cpu")

    def __init__(self, likeliest: Callable[[int], torch.Tensor]) -> None:
        self.likeliest = likeliest

    _is_stateful = False

    def __call__(self, **inputs: Any) -> Any:
        return self.forward(**inputs)

    def modules(self) -> Iterator[Any]:
        return iter(())

    def forward(self, input_ids: torch.Tensor, past_key_values: Any = None, logits_to_keep: int = 1, **_: Any) -> Any:
        scores = torch.zeros(len(input_ids), 1, 512)
        for row, last in enumerate(input_ids[:, -1].tolist()):
            scores[row, 0, self.likeliest(last)] = 50
        return SimpleNamespace(logits=scores)


def test_different_prompts_have_different_draws(tokenizer: Any) -> None:
    anything = Scripted(lambda _: torch.arange(512))
    replies = generate(anything, tokenizer, [[5], [6], [7]], LIVELY, NEVER)
    assert len({reply.text for reply in replies}) == 3


def test_control_tokens_are_not_part_of_a_reply() -> None:
    model = Scripted(lambda last: torch.tensor(1 if last == 5 else 100))
    tokenizer = chatml_tokenizer()
    (reply,) = generate(model, tokenizer, [[5]], GenerationConfig(temperature=0, max_new_tokens=2), NEVER)
    assert reply == Reply(str(tokenizer.decode([100])), stopped=False, tokens=2)


def test_what_all_prompts_share_is_computed_once(tokenizer: Any) -> None:
    model = tiny_model()
    with counted(model) as seen:
        generate(model, tokenizer, PROMPTS, GenerationConfig(temperature=0, max_new_tokens=1), NEVER)
    assert seen == [len(SHARED), len(PROMPTS) * (max(map(len, PROMPTS)) - len(SHARED))]


def test_rows_that_have_ended_are_not_computed(tokenizer: Any) -> None:
    model = tiny_model()
    every_token = list(range(512))
    with counted(model) as seen:
        replies = generate(model, tokenizer, PROMPTS, GREEDY, every_token)
    assert len(seen) == 2
    assert all(reply.stopped and reply.text == "" for reply in replies)
