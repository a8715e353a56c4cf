"""The next token: the distribution of transformers, penalties as their definitions say, and extreme settings."""

from __future__ import annotations

import pytest
import torch
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from offbook.core.config.schema import GenerationConfig
from offbook.generation.sampling import next_tokens, reply_generator
from offbook.generation.sampling_settings import SamplingSettings, hash_seed


def drawn(logits: torch.Tensor, settings: GenerationConfig, draws: int) -> torch.Tensor:
    """The share of evenly spread draws that falls on each token."""
    uniforms = (torch.arange(draws) + 0.5) / draws
    tokens = next_tokens(logits.expand(draws, -1), torch.zeros(draws, 1, dtype=torch.long), settings, uniforms)
    return torch.bincount(tokens, minlength=logits.shape[1]) / draws


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p", "min_p"),
    [
        (0.7, 0, 0.9, 0),
        (1.5, 0, 0.5, 0),
        (3.0, 0, 0.999, 0),
        (1.0, 0, 1.0, 0),
        (1.0, 40, 1.0, 0),
        (1.2, 40, 0.8, 0),
        (1.0, 5000, 0.9, 0),
        (1.5, 0, 1.0, 0.1),
        (1.5, 100, 0.95, 0.05),
    ],
)
def test_draws_have_the_distribution_of_transformers(
    temperature: float, top_k: int, top_p: float, min_p: float
) -> None:
    logits = torch.randn(1, 3000, generator=torch.Generator().manual_seed(0)) * 2
    settings = SamplingSettings(temperature=temperature, top_p=top_p, top_k=top_k, min_p=min_p, repetition_penalty=1)
    warpers = LogitsProcessorList([TemperatureLogitsWarper(temperature)])
    if top_k:
        warpers.append(TopKLogitsWarper(top_k))
    if top_p < 1:
        warpers.append(TopPLogitsWarper(top_p))
    if min_p:
        warpers.append(MinPLogitsWarper(min_p))
    expected = warpers(torch.tensor([[0]]), logits).softmax(-1)[0]  # type: ignore[arg-type]
    result = drawn(logits, settings, 4_000)
    # Evenly spread draws hit every token as often as its probability says, within one draw at either edge.
    assert (result - expected).abs().max() <= 2 / 4_000 + 1e-5
    assert not result[expected == 0].any()


@pytest.mark.parametrize("settings", [{"temperature": 1e-38}, {"temperature": 1e-46}, {"top_p": 1e-300}])
def test_extreme_settings_take_the_likeliest_token(settings: dict[str, float]) -> None:
    logits = torch.randn(1, 3000, generator=torch.Generator().manual_seed(0)) * 20
    result = drawn(logits, GenerationConfig(**{"temperature": 1.0, "repetition_penalty": 1, **settings}), 50)
    assert result[logits.argmax()] == 1


def test_presence_and_frequency_penalties_count_the_reply_alone() -> None:
    greedy = SamplingSettings(temperature=0, repetition_penalty=1, presence_penalty=1.0, frequency_penalty=0.5)
    ids = torch.tensor([[0, 0, 0, 0, 1, 1, 2]])  # a prompt of four, then a reply that says 1 twice and 2 once

    def chosen(*logits: float) -> float:
        return next_tokens(torch.tensor([logits]), ids, greedy, torch.zeros(1), reply_start=4).item()

    assert chosen(3.0, 4.9, 4.4, 0.0) == 0, "5.0 - 2.0 and 4.5 - 1.5 would be equal to the prompt's token"
    assert chosen(3.0, 5.1, 4.4, 0.0) == 1
    assert chosen(3.0, 4.9, 4.6, 0.0) == 2


def test_seeds_that_agree_in_32_bits_draw_differently() -> None:
    seeds = [0, 2**32, 2**33, -1, 2**32 - 1, 2**63 - 1, -(2**63)]
    draws = {torch.rand(1, generator=reply_generator(seed, [1, 2])).item() for seed in seeds}
    assert len(draws) == len(seeds)
    assert all(0 <= hash_seed(seed) < 2**32 - 1 for seed in seeds)
    assert torch.rand(1, generator=reply_generator(7, [1])) == torch.rand(1, generator=reply_generator(7, [1]))
    assert torch.rand(1, generator=reply_generator(None, [1])) != torch.rand(1, generator=reply_generator(None, [1]))
