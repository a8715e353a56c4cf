"""Base and tuned model on the same text: token losses, and how far their predictions lie apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple
from typing import Any

import torch
from torch.nn import functional

from offbook.core.sharing import Share, alone
from offbook.core.types import NO_LABEL, Example, Score
from offbook.generation.cache import logits_at
from offbook.generation.decoder import adapter_enabled

CHUNK = 256
"""Label positions whose logits exist at once."""


def score(
    model: Any,
    conversations: Sequence[Sequence[Example]],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    share: Share = alone,
) -> list[Score]:
    """The Score of every conversation, given as its Examples (several where the template rewrites history).

    The loss is that of training: the sum over label tokens. KL(base ‖ tuned) is summed over the same positions.

    Args:
        conversations: Examples of each conversation; only their label positions are scored.
        model: a PEFT model; the base is the same model with its adapter switched off.
        progress: told how many conversations are done, and how many there are.
        share: shares the conversations out.
    """

    def sums(number: int) -> list[float]:
        total = _sum([_score(model, example) for example in conversations[number]])
        progress(number + 1, len(conversations))
        return list(astuple(total))

    return [Score(*values) for values in share(len(conversations), sums)]


@torch.inference_mode()
def _score(model: Any, example: Example) -> Score:
    ids = torch.tensor([example.ids], device=model.device)
    places = [index - 1 for index, label in enumerate(example.labels) if label != NO_LABEL]
    base = tuned = kl = 0.0
    agreed = 0
    for start in range(0, len(places), CHUNK):
        at = torch.tensor(places[start : start + CHUNK], device=model.device)
        # What comes after the last position asked for cannot change the answer.
        prefix = ids[:, : int(at[-1]) + 1]
        targets = ids[0, at + 1]
        with adapter_enabled(model, tuned=False):
            p = logits_at(model, at, input_ids=prefix, use_cache=False)[0].float().log_softmax(-1)
        q = logits_at(model, at, input_ids=prefix, use_cache=False)[0].float().log_softmax(-1)
        base += float(functional.nll_loss(p, targets, reduction="sum"))
        tuned += float(functional.nll_loss(q, targets, reduction="sum"))
        kl += float(functional.kl_div(q, p, reduction="sum", log_target=True))
        agreed += int((p.argmax(-1) == q.argmax(-1)).sum())
    return Score(len(places), base, tuned, kl, agreed)


def _sum(scores: list[Score]) -> Score:
    return Score(
        tokens=sum(score.tokens for score in scores),
        base=sum(score.base for score in scores),
        tuned=sum(score.tuned for score in scores),
        kl=sum(score.kl for score in scores),
        agreed=sum(score.agreed for score in scores),
    )
