"""Many replies at once, for evaluation: a reply does not depend on what else is in the batch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import torch

from offbook.core.config.schema import GenerationConfig
from offbook.core.progress import CountProgress, uncounted
from offbook.core.sequences import common_prefix
from offbook.core.sharing import Share, alone
from offbook.core.types import Reply
from offbook.generation.cache import ModelCache
from offbook.generation.decoder import Decoder
from offbook.generation.sampling import reply_generator
from offbook.generation.short_lora import short_lora
from offbook.generation.threaded_linear import threaded_linear


@torch.inference_mode()
def generate(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[list[int]],
    settings: GenerationConfig,
    stop_ids: Sequence[int],
    *,
    seed: int | Sequence[int] = 0,
    rows: int = 32,
    progress: CountProgress = uncounted,
    share: Share = alone,
) -> list[Reply]:
    """Reply to every prompt, in the order of the prompts.

    What all prompts begin with (the system prompt) is computed once. A reply's random draws come from its seed and its
    prompt's ids, so it does not depend on the other prompts, and base and tuned model are given the same draws.

    Args:
        model: a causal language model of transformers, in evaluation mode.
        tokenizer: turns the replies' ids into text.
        prompts: token ids, each ending where the character starts to speak.
        settings: sampling, and the longest reply.
        stop_ids: ids that end a reply; they are not part of its text.
        seed: one for all prompts, or one for each.
        rows: how many replies grow side by side.
        progress: told how many steps are done, and how many there are at most.
        share: shares the batches out, which are the same for any number of processes.
    """
    if not prompts:
        return []
    cache = ModelCache.of(model)
    shared = 0
    # Padding lies between the shared part and the rest; a sliding window, which counts columns, would see too little.
    if cache.keeps_tokens and not cache.is_sliding:
        shared = min(common_prefix(min(prompts), max(prompts)), min(map(len, prompts)) - 1)
    if shared:
        model(input_ids=torch.tensor([prompts[0][:shared]], device=model.device), **cache.arguments())
    seeds = [seed] * len(prompts) if isinstance(seed, int) else seed
    batches = list(_batches([len(prompt) for prompt in prompts], rows, padded=cache.keeps_tokens))
    steps = settings.max_new_tokens

    def answer(number: int) -> list[list[Any]]:
        chosen = batches[number]
        row_cache = copy.deepcopy(cache)
        if shared and row_cache.cache is not None:
            row_cache.cache.batch_repeat_interleave(len(chosen))
        decoder = Decoder(model, row_cache, [prompts[index] for index in chosen], shared)
        generators = [reply_generator(seeds[index], prompts[index]) for index in chosen]
        uniforms = torch.stack([torch.rand(settings.max_new_tokens, generator=each) for each in generators])
        advance = partial(_advance, progress, number * steps, len(batches) * steps)
        replies = []
        for ids in _decode(decoder, settings, set(stop_ids), uniforms.to(model.device), advance):
            stopped = bool(ids) and ids[-1] in stop_ids
            text = tokenizer.decode(ids[: len(ids) - stopped], skip_special_tokens=True)
            replies.append([text, stopped, len(ids)])
        return replies

    with threaded_linear(model), short_lora(model):
        answers = share(len(batches), answer)
    by_index = {
        index: Reply(*reply)
        for chosen, replies in zip(batches, answers, strict=True)
        for index, reply in zip(chosen, replies, strict=True)
    }
    return [by_index[index] for index in range(len(prompts))]


def _batches(lengths: Sequence[int], rows: int, *, padded: bool) -> Iterator[list[int]]:
    """Indices of prompts of similar length, at most `rows` together; of one length unless they may be padded."""
    order = sorted(range(len(lengths)), key=lambda index: lengths[index])
    groups = [order] if padded else [list(group) for _, group in groupby(order, key=lambda index: lengths[index])]
    for group in groups:
        for start in range(0, len(group), rows):
            yield group[start : start + rows]


def _advance(progress: CountProgress, before: int, total: int, step: int) -> None:
    progress(before + step, total)


def _decode(
    decoder: Decoder,
    settings: GenerationConfig,
    stop_ids: set[int],
    uniforms: torch.Tensor,
    advance: Callable[[int], None],
) -> list[list[int]]:
    """The ids of every row's reply, stop token included; `uniforms` is (rows, max_new_tokens)."""
    replies: list[list[int]] = [[] for _ in uniforms]
    alive = list(range(len(replies)))
    for step in range(settings.max_new_tokens):
        for row, token in zip(alive, decoder.step(settings, uniforms[alive, step]), strict=True):
            replies[row].append(token)
        advance(step + 1)
        going_on = [place for place, row in enumerate(alive) if replies[row][-1] not in stop_ids]
        if not going_on:
            break
        if len(going_on) < len(alive):
            decoder.keep(going_on)
            alive = [alive[place] for place in going_on]
    return replies
