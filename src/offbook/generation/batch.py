"""Many replies at once, for evaluation: the same tokens whatever else is in the batch."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from hashlib import sha256
from typing import Any

import torch
from transformers import DynamicCache

from offbook.core.config.schema import GenerationConfig
from offbook.core.types import Reply
from offbook.generation.sampling import next_tokens


def adapter_enabled(model: Any, *, tuned: bool) -> AbstractContextManager[None]:
    """Within it, a PEFT model speaks with its adapter, or as the base model under it."""
    return nullcontext() if tuned else model.disable_adapter()


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
) -> list[Reply]:
    """A reply to every prompt, in the order of the prompts.

    What all prompts begin with (the system prompt) is computed once. A prompt's draws come from `seed` (or its own one
    of several) and its ids, so a reply does not depend on the other prompts, and base and tuned model are given the
    same luck.

    Args:
        prompts: token ids, each ending where the character starts to speak.
        stop_ids: ids that end a reply; they are not part of its text.
        rows: how many replies grow side by side.
    """
    cache = DynamicCache(config=model.config)
    # Padding lies between the shared part and the rest; a sliding window, which counts columns, would see too little.
    shared = 0 if any(cache.is_sliding) else _shared(prompts)
    if shared:
        model(input_ids=_column(prompts[0][:shared], model), past_key_values=cache, logits_to_keep=1)
    seeds = [seed] * len(prompts) if isinstance(seed, int) else seed
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    replies: dict[int, Reply] = {}
    for start in range(0, len(order), rows):
        chosen = order[start : start + rows]
        batch = _Batch(model, copy.deepcopy(cache), [prompts[index] for index in chosen], shared)
        uniforms = torch.stack([_luck(seeds[index], prompts[index], settings.max_new_tokens) for index in chosen])
        said = batch.speak(settings, set(stop_ids), uniforms.to(model.device))
        for index, ids in zip(chosen, said, strict=True):
            stopped = bool(ids) and ids[-1] in stop_ids
            text = tokenizer.decode(ids[: len(ids) - stopped], skip_special_tokens=True)
            replies[index] = Reply(text, stopped, len(ids))
    return [replies[index] for index in range(len(prompts))]


class _Batch:
    """Rows that grow side by side; a row that has ended is taken out."""

    def __init__(self, model: Any, cache: DynamicCache, prompts: list[list[int]], shared: int) -> None:
        self.model = model
        self.cache = cache
        if shared:
            cache.batch_repeat_interleave(len(prompts))
        longest = max(map(len, prompts))
        # A row is padded with its own first token, so that the repetition penalty finds nothing it did not say.
        padded = [[*p[:shared], *p[:1] * (longest - len(p)), *p[shared:]] for p in prompts]
        mask = [[*[1] * shared, *[0] * (longest - len(p)), *[1] * (len(p) - shared)] for p in prompts]
        self.said = torch.tensor(padded, device=model.device)
        self.mask = torch.tensor(mask, device=model.device)
        self.new = longest - shared

    def speak(self, settings: GenerationConfig, stop_ids: set[int], uniforms: torch.Tensor) -> list[list[int]]:
        """The ids of every row's reply, ending token included; `uniforms` is (rows, max_new_tokens)."""
        replies: list[list[int]] = [[] for _ in self.said]
        alive = list(range(len(replies)))
        for step in range(settings.max_new_tokens):
            tokens = next_tokens(self._scores(), self.said, settings, uniforms[alive, step])
            for row, token in zip(alive, tokens.tolist(), strict=True):
                replies[row].append(token)
            self._extend(tokens)
            stay = [place for place, row in enumerate(alive) if replies[row][-1] not in stop_ids]
            if len(stay) < len(alive):
                self._keep(stay)
                alive = [alive[place] for place in stay]
            if not alive:
                break
        return replies

    def _scores(self) -> torch.Tensor:
        """Logits of the token after what was said, (rows, vocabulary)."""
        positions = (self.mask.cumsum(1) - 1).clamp(min=0)
        output = self.model(
            input_ids=self.said[:, -self.new :],
            attention_mask=self.mask,
            position_ids=positions[:, -self.new :],
            past_key_values=self.cache,
            logits_to_keep=1,
        )
        return output.logits[:, -1].float()

    def _extend(self, tokens: torch.Tensor) -> None:
        self.said = torch.cat([self.said, tokens[:, None]], 1)
        self.mask = torch.cat([self.mask, torch.ones_like(tokens[:, None])], 1)
        self.new = 1

    def _keep(self, places: list[int]) -> None:
        kept = torch.tensor(places, dtype=torch.long, device=self.said.device)
        self.said, self.mask = self.said[kept], self.mask[kept]
        self.cache.batch_select_indices(kept)


def _shared(prompts: Sequence[list[int]]) -> int:
    """How many ids all prompts begin with; at least one of each prompt's own is left."""
    first, last = min(prompts), max(prompts)
    limit = min(len(prompt) for prompt in prompts) - 1
    return next((place for place in range(limit) if first[place] != last[place]), limit)


def _column(ids: list[int], model: Any) -> torch.Tensor:
    return torch.tensor([ids], device=model.device)


def _luck(seed: int, prompt: list[int], count: int) -> torch.Tensor:
    """The draws of one prompt's reply, drawn on the processor so that every device gives the same."""
    digest = sha256(f"{seed} {prompt}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
    return torch.rand(count, generator=generator)
