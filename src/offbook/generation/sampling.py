"""From the scores of a step to the next token of every row."""

from __future__ import annotations

import torch

from offbook.core.config.schema import GenerationConfig

NUCLEUS = 1024
"""The likeliest tokens are sought among so many first. transformers sorts the whole vocabulary instead, which takes
longer than the step of a small model."""


def next_tokens(
    scores: torch.Tensor, said: torch.Tensor, settings: GenerationConfig, uniforms: torch.Tensor
) -> torch.Tensor:
    """The next token of every row, shape (rows,), as transformers' processors of the same settings would allow it.

    Args:
        scores: logits, (rows, vocabulary), float32.
        said: what the repetition penalty looks back on, prompt included: ids, (rows, length).
        luck: where each row's draw falls in [0, 1), (rows,). A row's token depends on its own luck alone.
    """
    scores = _penalised(scores, said, settings.repetition_penalty)
    if settings.temperature == 0:
        return scores.argmax(-1)
    scores = scores / settings.temperature
    ids, shares = _nucleus(scores, settings.top_p)
    reached = shares.cumsum(-1)
    place = torch.searchsorted(reached, uniforms[:, None] * reached[:, -1:], right=True)
    return ids.gather(1, place.clamp(max=ids.shape[1] - 1))[:, 0]


def _penalised(scores: torch.Tensor, said: torch.Tensor, penalty: float) -> torch.Tensor:
    """Tokens that were said before made less likely, once each (Keskar et al. 2019, CTRL, section 4.1)."""
    if penalty == 1:
        return scores
    old = scores.gather(1, said)
    return scores.scatter(1, said, torch.where(old < 0, old * penalty, old / penalty))


def _nucleus(scores: torch.Tensor, top_p: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The likeliest tokens that together reach `top_p`: ids and probabilities, likeliest first, zero beyond them
    (Holtzman et al. 2020, nucleus sampling)."""
    total = scores.logsumexp(-1, keepdim=True)
    for width in (NUCLEUS, scores.shape[1]):
        top, ids = scores.topk(min(width, scores.shape[1]))
        shares = (top - total).exp()
        if bool((shares.sum(-1) >= top_p).all()):
            break
    before = shares.cumsum(-1) - shares
    return ids, shares.where(before < top_p, 0)
