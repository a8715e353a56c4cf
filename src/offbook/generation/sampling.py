"""From the logits of one step to the next token of every row."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from offbook.core.config.schema import GenerationConfig
from offbook.generation.sampling_settings import GREEDY_BELOW, SamplingSettings, hash_seed

NUCLEUS_WIDTH = 1024
"""The nucleus is sought among so many of the likeliest tokens first. transformers sorts the whole vocabulary instead,
which takes longer than the step of a small model."""


def reply_generator(seed: int | None, prompt: Sequence[int]) -> torch.Generator:
    """The random generator of one reply's draws, on the CPU so that every device draws the same.

    Args:
        seed: any integer; None for another reply each time.
        prompt: token ids; another prompt has other draws.
    """
    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(hash_seed(seed, prompt))
    return generator


def next_tokens(
    logits: torch.Tensor, ids: torch.Tensor, settings: GenerationConfig, uniforms: torch.Tensor, *, reply_start: int = 0
) -> torch.Tensor:
    """Choose the next token of every row, from the distribution that transformers' processors give these settings.

    Args:
        logits: (rows, vocabulary), float32.
        ids: prompt and reply so far, (rows, length); the repetition penalty looks back on all of it.
        settings: the sampling; greedy at temperature 0.
        uniforms: where each row's draw falls in [0, 1), (rows,). A row's token depends on its own draw alone.
        reply_start: column of `ids` at which the replies begin, for presence and frequency penalties.

    Returns:
        Token ids, (rows,).
    """
    sampling = SamplingSettings.of(settings)
    logits = _penalize_repetition(logits, ids, sampling.repetition_penalty)
    if sampling.presence_penalty or sampling.frequency_penalty:
        logits = _penalize_counts(logits, ids[:, reply_start:], sampling)
    if sampling.temperature < GREEDY_BELOW:
        return logits.argmax(-1)
    candidates, probabilities = _candidates(logits / sampling.temperature, sampling)
    reached = probabilities.cumsum(-1)
    place = torch.searchsorted(reached, uniforms[:, None] * reached[:, -1:], right=True)
    return candidates.gather(1, place.clamp(max=candidates.shape[1] - 1))[:, 0]


def _penalize_repetition(logits: torch.Tensor, ids: torch.Tensor, penalty: float) -> torch.Tensor:
    """Tokens that stand in `ids` made less likely, once each (Keskar et al. 2019, CTRL, section 4.1)."""
    if penalty == 1:
        return logits
    old = logits.gather(1, ids)
    return logits.scatter(1, ids, torch.where(old < 0, old * penalty, old / penalty))


def _penalize_counts(logits: torch.Tensor, reply: torch.Tensor, sampling: SamplingSettings) -> torch.Tensor:
    """OpenAI's presence and frequency penalties, on the tokens of the reply so far."""
    counts = torch.zeros_like(logits).scatter_add(1, reply, torch.ones_like(reply, dtype=logits.dtype))
    return logits - sampling.frequency_penalty * counts - sampling.presence_penalty * (counts > 0)


def _candidates(logits: torch.Tensor, sampling: SamplingSettings) -> tuple[torch.Tensor, torch.Tensor]:
    """The tokens that may be drawn, and their probabilities, likeliest first; 0 for those that are left out.

    Top-k, then the nucleus of what is left (Holtzman et al. 2020), then min-p, in transformers' order.
    """
    vocabulary = logits.shape[1]
    widest = min(sampling.top_k, vocabulary) or vocabulary
    total = (
        logits.topk(widest).values.logsumexp(-1, keepdim=True) if sampling.top_k else logits.logsumexp(-1, keepdim=True)
    )
    for width in (min(NUCLEUS_WIDTH, widest), widest):
        top, ids = logits.topk(width)
        probabilities = (top - total).exp()
        if bool((probabilities.sum(-1) >= sampling.top_p).all()):
            break
    before = probabilities.cumsum(-1) - probabilities
    keep = (before < sampling.top_p) & (probabilities >= sampling.min_p * probabilities[:, :1])
    keep[:, 0] = True
    return ids, probabilities.where(keep, 0)
