"""The decoding loop of every transformers model here: rows of ids that grow side by side on one key-value cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from offbook.core.config.schema import GenerationConfig
from offbook.generation.cache import ModelCache, logits_at, takes
from offbook.generation.sampling import next_tokens

PREFILL_CHUNK = 256
"""Tokens of a prompt that are read at once; between two chunks a reply that nobody waits for can be given up."""


def adapter_enabled(model: Any, *, tuned: bool) -> AbstractContextManager[None]:
    """Context manager: a PEFT model speaks with its adapter, or, if not `tuned`, as the base model under it."""
    return nullcontext() if tuned else model.disable_adapter()


class Decoder:
    """Rows of ids that grow by one token a step; rows that have ended are taken out.

    Args:
        model: a causal language model of transformers.
        cache: holds the first `cached` ids of the prompts: one row, or as many as there are prompts.
        prompts: ids of each row, none empty; all begin with the same `cached` ids, and none ends there. They are of one
            length unless the cache keeps tokens.
        cached: how many ids are not computed again.
    """

    def __init__(self, model: Any, cache: ModelCache, prompts: Sequence[list[int]], cached: int) -> None:
        self._model = model
        self._cache = cache
        longest = max(map(len, prompts))
        # A row is padded with its own first token, so that the repetition penalty finds nothing new in it.
        padded = [[*p[:cached], *p[:1] * (longest - len(p)), *p[cached:]] for p in prompts]
        mask = [[*[1] * cached, *[0] * (longest - len(p)), *[1] * (len(p) - cached)] for p in prompts]
        self._ids = torch.tensor(padded, device=model.device)
        self._mask = torch.tensor(mask, device=model.device)
        self._is_padded = not bool(self._mask.all())
        self._prompt_length = longest
        self._cached = cached

    def prefill(self) -> Iterator[None]:
        """Read the prompts up to their last token, chunk by chunk; yields after each chunk."""
        # A state is carried on by one token at a time: all before the last one is read at once.
        chunk_size = PREFILL_CHUNK if self._cache.keeps_tokens else self._prompt_length
        if self._cache.cache is None:
            return
        while (end := min(self._cached + chunk_size, self._prompt_length - 1)) > self._cached:
            self._forward(end)
            yield

    def step(self, settings: GenerationConfig, uniforms: torch.Tensor) -> list[int]:
        """The next token of every row; `uniforms` is as for `next_tokens`."""
        logits = self._forward(self._ids.shape[1])
        tokens = next_tokens(logits, self._ids, settings, uniforms, reply_start=self._prompt_length)
        self._ids = torch.cat([self._ids, tokens[:, None]], 1)
        self._mask = torch.cat([self._mask, torch.ones_like(tokens[:, None])], 1)
        return tokens.tolist()

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows alone."""
        kept = torch.tensor(rows, dtype=torch.long, device=self._ids.device)
        self._ids, self._mask = self._ids[kept], self._mask[kept]
        self._cache.select(kept)

    @torch.inference_mode()
    def _forward(self, end: int) -> torch.Tensor:
        """Compute the ids up to column `end`; the logits of the token after them, (rows, vocabulary), float32."""
        mask: dict[str, torch.Tensor] = {}
        if self._is_padded:
            positions = (self._mask.cumsum(1) - 1).clamp(min=0)
            mask = {"attention_mask": self._mask[:, :end]}
            if takes(self._model, "position_ids"):
                mask["position_ids"] = positions[:, self._cached : end]
        ids = self._ids[:, self._cached : end]
        logits = logits_at(self._model, 1, input_ids=ids, **self._cache.arguments(), **mask)
        self._cached = end if self._cache.cache is not None else 0
        return logits[:, -1].float()
