"""Base and tuned model on the same text: token losses, and how far their predictions lie apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple
from itertools import accumulate
from typing import Any

import torch
from torch.nn import functional

from offbook.core.progress import CountProgress, uncounted
from offbook.core.sequences import common_prefix
from offbook.core.sharing import Share, alone
from offbook.core.types import NO_LABEL, Example, Score
from offbook.generation.cache import ModelCache, logits_at
from offbook.generation.decoder import adapter_enabled
from offbook.generation.short_lora import short_lora
from offbook.generation.threaded_linear import threaded_linear

CHUNK = 512
"""Rows times positions whose logits exist at once."""
TOKENS = 2048
"""Tokens that go through the model at once."""
MIN_SHARED = 8
"""Tokens that Examples have to begin with in common to be scored side by side, and for these to be read once."""


def score(
    model: Any,
    conversations: Sequence[Sequence[Example]],
    progress: CountProgress = uncounted,
    share: Share = alone,
) -> list[Score]:
    """The Score of every conversation, given as its Examples (several where the template rewrites history).

    The loss is that of training: the sum over label tokens. KL(base ‖ tuned) is summed over the same positions.

    Args:
        conversations: Examples of each conversation; only their label positions are scored.
        model: a PEFT model; the base is the same model with its adapter switched off.
        progress: told how many Examples are done, and how many there are.
        share: shares the batches out, which are the same for any number of processes.
    """
    conversation_index = [number for number, examples in enumerate(conversations) for _ in examples]
    examples = [example for examples in conversations for example in examples]
    batches = list(_batches(examples))
    done = list(accumulate(map(len, batches)))

    def scores_of(number: int) -> list[list[float]]:
        scores = _score(model, [examples[index] for index in batches[number]])
        progress(done[number], len(examples))
        return [list(astuple(each)) for each in scores]

    with threaded_linear(model), short_lora(model):
        scored = share(len(batches), scores_of)
    parts: list[list[Score]] = [[] for _ in conversations]
    for chosen, scores in zip(batches, scored, strict=True):
        for index, values in zip(chosen, scores, strict=True):
            parts[conversation_index[index]].append(Score(*values))
    return [_sum(scores) for scores in parts]


def pass_sizes(conversations: Sequence[Sequence[Example]]) -> list[int]:
    """Tokens of each pass, padding included, in which `score` would take these conversations."""
    examples = [example for each in conversations for example in each]
    return [len(chosen) * max(len(examples[index].ids) for index in chosen) for chosen in _batches(examples)]


def _batches(examples: Sequence[Example]) -> Iterator[list[int]]:
    """Indices of Examples that are scored side by side: they begin alike and are of similar length."""
    order = sorted(range(len(examples)), key=lambda index: (examples[index].ids[:MIN_SHARED], len(examples[index].ids)))
    chosen: list[int] = []
    columns: set[int] = set()
    for index in order:
        ids, places = examples[index].ids, _places(examples[index])
        rows = len(chosen) + 1
        is_full = rows * len(columns.union(places)) > CHUNK or rows * len(ids) > TOKENS
        if chosen and (is_full or ids[:MIN_SHARED] != examples[chosen[0]].ids[:MIN_SHARED]):
            yield chosen
            chosen, columns = [], set()
        chosen.append(index)
        columns.update(places)
    if chosen:
        yield chosen


def _places(example: Example) -> list[int]:
    """The positions whose predictions are scored: each before a label."""
    return [index - 1 for index, label in enumerate(example.labels) if label != NO_LABEL]


@torch.inference_mode()
def _score(model: Any, examples: Sequence[Example]) -> list[Score]:
    """The Scores of Examples that are read side by side, what they all begin with once.

    Shorter ones are padded behind their end, where no position that is scored can see it.
    """
    places = [_places(example) for example in examples]
    longest = max(len(example.ids) for example in examples)
    ids = torch.tensor([[*e.ids, *e.ids[-1:] * (longest - len(e.ids))] for e in examples], device=model.device)
    columns = sorted({place for row in places for place in row})
    is_scored = torch.zeros(len(examples), longest, dtype=torch.bool, device=model.device)
    for row, scored in enumerate(places):
        is_scored[row, scored] = True
    width = max(CHUNK // len(examples), 1)
    shared = _shared_length(model, examples, columns[0]) if len(columns) <= width else 0
    totals = torch.zeros(len(examples), 4, dtype=torch.float64)
    for start in range(0, len(columns), width):
        at = torch.tensor(columns[start : start + width], device=model.device)
        here = is_scored[:, at]
        # What comes after the last position asked for cannot change the answer.
        prefix = ids[:, : int(at[-1]) + 1]
        targets = ids[:, at + 1][here]
        with adapter_enabled(model, tuned=False):
            p = _logits(model, prefix, at, shared)[here].float().log_softmax(-1)
        q = _logits(model, prefix, at, shared)[here].float().log_softmax(-1)
        measured = (
            functional.nll_loss(p, targets, reduction="none"),
            functional.nll_loss(q, targets, reduction="none"),
            functional.kl_div(q, p, reduction="none", log_target=True).sum(-1),
            (p.argmax(-1) == q.argmax(-1)).float(),
        )
        totals.index_add_(0, here.nonzero()[:, 0].cpu(), torch.stack(measured, 1).double().cpu())
    return [
        Score(len(scored), base, tuned, kl, int(agreed))
        for scored, (base, tuned, kl, agreed) in zip(places, totals.tolist(), strict=True)
    ]


def _shared_length(model: Any, examples: Sequence[Example], first: int) -> int:
    """How many tokens of Examples side by side are read once: what all begin with, before the first scored position."""
    cache = ModelCache.of(model)
    # A sliding window counts columns of the cache, and a recurrent state cannot be repeated for many rows.
    if len(examples) == 1 or not cache.keeps_tokens or cache.is_sliding:
        return 0
    ids = [example.ids for example in examples]
    shared = min(common_prefix(min(ids), max(ids)), first)
    return shared if shared >= MIN_SHARED else 0


def _logits(model: Any, ids: torch.Tensor, positions: torch.Tensor, shared: int) -> torch.Tensor:
    """The logits (rows, positions, vocabulary) of rows (rows, tokens) that begin with the same `shared` tokens."""
    if not shared:
        return logits_at(model, positions, input_ids=ids, use_cache=False)
    cache = ModelCache.of(model)
    assert cache.cache is not None
    logits_at(model, 1, input_ids=ids[:1, :shared], **cache.arguments())
    cache.cache.batch_repeat_interleave(len(ids))
    return logits_at(model, positions - shared, input_ids=ids[:, shared:], **cache.arguments())


def _sum(scores: list[Score]) -> Score:
    return Score(
        tokens=sum(score.tokens for score in scores),
        base=sum(score.base for score in scores),
        tuned=sum(score.tuned for score in scores),
        kl=sum(score.kl for score in scores),
        agreed=sum(score.agreed for score in scores),
    )
