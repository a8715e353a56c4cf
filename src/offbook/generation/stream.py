"""The one streaming generator: chat, server and samples all speak through it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from transformers import DynamicCache

from offbook.core.config.schema import GenerationConfig
from offbook.generation.sampling import next_tokens
from offbook.generation.threaded_linear import use_threaded_linear

StopReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class TextChunk:
    """A bit of a reply as it comes. The last one of a reply tells why it ended; the others have no `stop_reason`."""

    text: str
    tokens: int
    """Tokens generated so far, the ending token included."""
    stop_reason: StopReason | None = None


class Engine(Protocol):
    """Something that continues ids."""

    def tokens(self, prompt: Sequence[int], settings: GenerationConfig, seed: int | None) -> Iterator[int]:
        """The ids that follow `prompt`, one by one, without end; the caller stops asking."""
        ...


class TransformersEngine:
    """Next tokens from a transformers model; what the last prompt shares with the next one is not computed again.

    Args:
        model: a causal language model, with or without a PEFT adapter.
        use_adapter: False speaks with the base model under the adapter.
    """

    def __init__(self, model: Any, *, use_adapter: bool = True) -> None:
        self.model = model
        self.use_adapter = use_adapter
        self._cache: DynamicCache | None = None
        self._cached: list[int] = []

    def tokens(self, prompt: Sequence[int], settings: GenerationConfig, seed: int | None) -> Iterator[int]:
        """See `Engine.tokens`. `seed` None draws afresh each time."""
        device = self.model.device
        use_threaded_linear(self.model)
        generator = torch.Generator()  # the processor's, so that every device draws the same
        generator.manual_seed(seed) if seed is not None else generator.seed()
        said = list(prompt)
        new = said[self._reuse(said) :]
        while True:
            scores = self._forward(new)
            uniforms = torch.rand(1, generator=generator).to(device)
            token = int(next_tokens(scores, torch.tensor([said], device=device), settings, uniforms))
            self._cached = list(said)
            said.append(token)
            new = [token]
            yield token

    @torch.inference_mode()
    def _forward(self, new: list[int]) -> torch.Tensor:
        """Scores (1, vocabulary) of the token after `new`, which is added to the cache."""
        adapter = nullcontext() if self.use_adapter else self.model.disable_adapter()
        with adapter:
            ids = torch.tensor([new], device=self.model.device)
            output = self.model(input_ids=ids, past_key_values=self._cache, use_cache=True, logits_to_keep=1)
        return output.logits[:, -1].float()

    def _reuse(self, prompt: list[int]) -> int:
        """Cut the cache back to what it shares with `prompt`; how many tokens that is (never the whole prompt)."""
        shared = 0
        for old, new in zip(self._cached, prompt[:-1], strict=False):
            if old != new:
                break
            shared += 1
        surplus = len(self._cached) - shared
        if self._cache is not None and shared and surplus:
            try:
                self._cache.crop(-surplus)
            except RuntimeError:  # a sliding window has already forgotten its start
                shared = 0
        if not shared:
            self._cache = DynamicCache(config=self.model.config)
        self._cached = []  # until the forward pass is through, what the cache holds is not known
        return shared


def stream(
    engine: Engine,
    tokenizer: Any,
    prompt: Sequence[int],
    settings: GenerationConfig,
    stop_ids: Sequence[int],
    seed: int | None = None,
) -> Iterator[TextChunk]:
    """A reply, piece by piece, until an ending token or `settings.max_new_tokens`.

    Half-finished characters (a Chinese character can be several tokens) are held back until they are whole.
    """
    ids: list[int] = []
    shown = ""
    for token in engine.tokens(prompt, settings, seed):
        stopped = token in stop_ids
        if not stopped:
            ids.append(token)
        ended = stopped or len(ids) >= settings.max_new_tokens
        text = tokenizer.decode(ids, skip_special_tokens=True)
        if ended:
            count = len(ids) + stopped
            yield TextChunk(text[len(shown) :], count, "stop" if stopped else "length")
            return
        if not text.endswith("\ufffd") and len(text) > len(shown):
            yield TextChunk(text[len(shown) :], len(ids))
            shown = text
