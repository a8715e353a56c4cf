"""One reply as it is being generated: chat, server and samples all speak through `stream`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import torch

from offbook.core.config.schema import GenerationConfig
from offbook.core.sequences import common_prefix
from offbook.generation.cache import ModelCache
from offbook.generation.decoder import Decoder, adapter_enabled
from offbook.generation.sampling import reply_generator
from offbook.generation.text_chunk import TextChunk
from offbook.generation.threaded_linear import use_threaded_linear


class TokenEngine(Protocol):
    """Something that continues token ids."""

    def tokens(self, prompt: Sequence[int], settings: GenerationConfig, seed: int | None) -> Iterator[int | None]:
        """The ids that follow `prompt`, one by one, without end: the caller stops iterating.

        None comes while the prompt is still being read.
        """
        ...


class TransformersEngine:
    """A TokenEngine on a transformers model; what a prompt shares with the one before it is not computed again.

    Args:
        model: a causal language model, with or without a PEFT adapter. On a CPU its large linear layers are exchanged
            for ones that use all threads; weights and results stay the same.
        use_adapter: False speaks with the base model under the adapter.
    """

    def __init__(self, model: Any, *, use_adapter: bool = True) -> None:
        use_threaded_linear(model)
        self._model = model
        self._use_adapter = use_adapter
        self._cache = ModelCache.of(model)
        self._cached: list[int] = []

    def tokens(self, prompt: Sequence[int], settings: GenerationConfig, seed: int | None) -> Iterator[int | None]:
        """See `TokenEngine.tokens`; `seed` None draws afresh each time."""
        generator = reply_generator(seed, prompt)
        ids = list(prompt)
        shared = self._reuse(ids)
        decoder = Decoder(self._model, self._cache, [ids], shared)
        for _ in self._with_adapter(decoder.prefill()):
            yield None
        while True:
            uniforms = torch.rand(1, generator=generator).to(self._model.device)
            with adapter_enabled(self._model, tuned=self._use_adapter):
                (token,) = decoder.step(settings, uniforms)
            self._cached = list(ids)
            ids.append(token)
            yield token

    def _with_adapter(self, work: Iterator[None]) -> Iterator[None]:
        """The iterator, each of its steps with the adapter or without it: others may use the model between them."""
        while True:
            with adapter_enabled(self._model, tuned=self._use_adapter):
                if next(work, work) is work:
                    return
            yield

    def _reuse(self, prompt: list[int]) -> int:
        """Cut the cache back to what it shares with `prompt`; how many tokens that is (never the whole prompt)."""
        shared = common_prefix(self._cached, prompt[:-1]) if self._cache.keeps_tokens else 0
        surplus = len(self._cached) - shared
        if shared and surplus and self._cache.cache is not None:
            try:
                self._cache.cache.crop(-surplus)
            except RuntimeError:  # a sliding window has already forgotten its start
                shared = 0
        if not shared:
            self._cache = ModelCache.of(self._model)
        self._cached = []  # until a step is through, what the cache holds is not known
        return shared


def stream(
    engine: TokenEngine,
    tokenizer: Any,
    prompt: Sequence[int],
    settings: GenerationConfig,
    stop_ids: Sequence[int],
    seed: int | None = None,
) -> Iterator[TextChunk]:
    """Yield a reply chunk by chunk, until a stop token or `settings.max_new_tokens`.

    Half-finished characters (a Chinese character can be several tokens) are held back until they are whole.

    Args:
        engine: gives the ids.
        tokenizer: turns ids into text.
        prompt: token ids, ending where the character starts to speak.
        settings: sampling, and the longest reply.
        stop_ids: ids that end a reply; they are not part of its text.
        seed: the same seed gives the same reply; None draws afresh each time.
    """
    ids: list[int] = []
    shown = ""
    for token in engine.tokens(prompt, settings, seed):
        if token is None:
            yield TextChunk("", 0)
            continue
        stopped = token in stop_ids
        if not stopped:
            ids.append(token)
        text = tokenizer.decode(ids, skip_special_tokens=True)
        if stopped or len(ids) >= settings.max_new_tokens:
            yield TextChunk(text[len(shown) :], len(ids) + stopped, "stop" if stopped else "length")
            return
        if not text.endswith("\ufffd") and len(text) > len(shown):
            yield TextChunk(text[len(shown) :], len(ids))
            shown = text
