"""Replies of many characters that grow side by side on one base model: each its own adapter, one pass for all.

A reply is what it would be alone: rows share the products with the base model's weights and nothing else, and random
draws come from a reply's own seed and prompt.
"""

from __future__ import annotations

import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from transformers import DynamicCache

from offbook.core.config.schema import GenerationConfig
from offbook.core.sequences import common_prefix
from offbook.generation.adapter_bank import AdapterBank
from offbook.generation.decoder import PREFILL_CHUNK
from offbook.generation.row_caches import RowCaches, use_row_caches
from offbook.generation.sampling import next_tokens, reply_generator
from offbook.generation.threaded_linear import use_threaded_linear

KEPT_BYTES = 128 * 2**20
"""Caches of ended replies are kept up to so many bytes, and the newest in any case."""

SPILL = 4
"""A reply is computed a few tokens further than its reader reads."""

T = TypeVar("T")


@dataclass(eq=False)
class Row:
    """A reply that is growing."""

    adapter: str | None
    ids: list[int]
    """Prompt and reply so far."""
    settings: GenerationConfig
    generator: torch.Generator
    cache: DynamicCache
    cached: int
    """How many of `ids` the cache holds."""
    prompt_length: int
    output: queue.SimpleQueue[int | Exception | None] = field(default_factory=queue.SimpleQueue)
    """Tokens for the reader; None while the prompt is being read."""
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def is_reading(self) -> bool:
        """Whether more of the prompt than its last token is still to be read."""
        return self.cached < len(self.ids) - 1


class KeptCaches:
    """Caches of replies that have ended, for prompts that begin as they do; those used last stay longest."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self._kept: OrderedDict[tuple[str | None, tuple[int, ...]], DynamicCache] = OrderedDict()
        self._bytes = 0

    def keep(self, adapter: str | None, ids: Sequence[int], cache: DynamicCache) -> None:
        """Keep the cache that holds `ids`."""
        key = (adapter, tuple(ids))
        self._drop(key)
        self._kept[key] = cache
        self._bytes += _size(cache)
        while self._bytes > KEPT_BYTES and len(self._kept) > 1:
            self._drop(next(iter(self._kept)))

    def take(self, adapter: str | None, prompt: Sequence[int]) -> tuple[DynamicCache, int]:
        """A cache that holds the beginning of a prompt, and how many tokens of it (never the last one)."""
        best, shared = None, 0
        for key in self._kept:
            length = common_prefix(key[1], prompt[:-1]) if key[0] == adapter else 0
            if length > shared:
                best, shared = key, length
        if best is None:
            return DynamicCache(config=self._config), 0
        if len(best[1]) - shared <= SPILL:  # a conversation that goes on: its cache goes on with it
            cache = self._kept[best]
            self._drop(best)
            if shared < len(best[1]):
                cache.crop(shared - len(best[1]))
            return cache, shared
        self._kept.move_to_end(best)
        return _beginning(self._kept[best], shared, self._config), shared

    def forget(self, adapter: str) -> None:
        """Drop all caches of an adapter."""
        for key in [key for key in self._kept if key[0] == adapter]:
            self._drop(key)

    def _drop(self, key: tuple[str | None, tuple[int, ...]]) -> None:
        cache = self._kept.pop(key, None)
        if cache is not None:
            self._bytes -= _size(cache)


def _size(cache: DynamicCache) -> int:
    layers: Any = cache.layers
    return sum(layer.keys.nbytes + layer.values.nbytes for layer in layers)


def _beginning(cache: DynamicCache, length: int, config: Any) -> DynamicCache:
    """A copy of the first tokens of a cache."""
    copy = DynamicCache(config=config)
    layers: Any = cache.layers
    for index, layer in enumerate(layers):
        copy.update(layer.keys[:, :, :length].clone(), layer.values[:, :, :length].clone(), index)
    return copy


class SideBySideEngine:
    """One base model with many adapters; a thread of its own does all the work on it.

    Args:
        model: a causal language model for which `can_go_side_by_side`; changed in place.
        rows: how many replies grow at the same time.
    """

    def __init__(self, model: Any, rows: int) -> None:
        use_threaded_linear(model)
        use_row_caches(model)
        self._model = model
        self._bank = AdapterBank(model)
        self._limit = rows
        self._kept = KeptCaches(model.config)
        self._growing: list[Row] = []
        self._inbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._waiting: list[Row] = []
        self._thread = threading.Thread(target=self._work, name="side-by-side", daemon=True)
        self._thread.start()

    def add(self, name: str, folder: Path) -> None:
        """Put an adapter in; replies that are growing go on as they are.

        Raises:
            NotPlainError: it is not plain LoRA, or does not fit this model.
        """
        self._run(lambda: self._bank.add(name, folder))

    def accepts(self, folder: Path) -> bool:
        """Whether the adapter of a folder can be put in."""
        return self._bank.accepts(folder)

    def remove(self, name: str) -> None:
        """Take an adapter out, with what was kept of its conversations. None of its replies may be growing."""

        def work() -> None:
            self._retire()  # a reply that has just ended would be kept after the others were forgotten
            self._bank.remove(name)
            self._kept.forget(name)

        self._run(work)

    def speaker(self, adapter: str | None) -> AdapterSpeaker:
        """A TokenEngine that speaks with that adapter, or as the base model."""
        return AdapterSpeaker(self, adapter)

    def tokens(
        self, adapter: str | None, prompt: Sequence[int], settings: GenerationConfig, seed: int | None
    ) -> Iterator[int | None]:
        """The ids that follow `prompt`; see `offbook.generation.stream.TokenEngine`."""
        ids = list(prompt)
        row = Row(adapter, ids, settings, reply_generator(seed, ids), DynamicCache(), 0, len(ids))
        self._inbox.put(lambda: self._waiting.append(row))
        try:
            while True:
                item = row.output.get()
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            row.cancelled.set()

    def close(self) -> None:
        """End the thread; nothing may be growing."""
        self._inbox.put(None)
        self._thread.join()

    def _run(self, work: Callable[[], T]) -> T:
        """Do something to the model in its thread, between two steps."""
        future: Future[T] = Future()

        def task() -> None:
            try:
                future.set_result(work())
            except Exception as error:
                future.set_exception(error)

        self._inbox.put(task)
        return future.result()

    def _work(self) -> None:
        """Take in what has come, then a step, again and again."""
        while True:
            try:
                while True:
                    task = self._inbox.get(block=not (self._growing or self._waiting))
                    if task is None:
                        return
                    task()
            except queue.Empty:
                pass
            self._retire()
            while self._waiting and len(self._growing) < self._limit:
                row = self._waiting.pop(0)
                if not row.cancelled.is_set():
                    row.cache, row.cached = self._kept.take(row.adapter, row.ids)
                    self._growing.append(row)
            self._step()

    def _retire(self) -> None:
        """Take out the rows whose reader has gone, and keep their caches."""
        for row in [row for row in self._growing if row.cancelled.is_set()]:
            self._growing.remove(row)
            if row.cached:
                self._kept.keep(row.adapter, row.ids[: row.cached], row.cache)

    def _step(self) -> None:
        """Read on in one prompt, then one more token for every reply that has read its own."""
        reading = [row for row in self._growing if row.is_reading]
        decoding = [row for row in self._growing if not row.is_reading]
        for rows in (reading[:1], decoding):
            if not rows:
                continue
            try:
                self._read_on(rows[0]) if rows[0].is_reading else self._speak(rows)
            except Exception as error:
                for row in rows:
                    row.cached = 0
                    row.cancelled.set()
                    row.output.put(error)

    def _read_on(self, row: Row) -> None:
        end = min(row.cached + PREFILL_CHUNK, len(row.ids) - 1)
        self._forward([row], end - row.cached)
        row.output.put(None)

    def _speak(self, rows: list[Row]) -> None:
        for row, logits in zip(rows, self._forward(rows, 1), strict=True):
            uniforms = torch.rand(1, generator=row.generator).to(logits.device)
            ids = torch.tensor([row.ids], device=logits.device)
            (token,) = next_tokens(logits[None], ids, row.settings, uniforms, reply_start=row.prompt_length).tolist()
            row.ids.append(token)
            row.output.put(token)

    @torch.inference_mode()
    def _forward(self, rows: list[Row], tokens: int) -> torch.Tensor:
        """Compute so many more tokens of every row; the logits after the last, (rows, vocabulary), float32."""
        device = self._model.device
        self._bank.select([row.adapter for row in rows])
        spans = [(row.cached, row.cached + tokens) for row in rows]
        output = self._model(
            input_ids=torch.tensor([row.ids[a:b] for row, (a, b) in zip(rows, spans, strict=True)], device=device),
            position_ids=torch.tensor([list(range(a, b)) for a, b in spans], device=device),
            past_key_values=RowCaches([row.cache for row in rows]),
            use_cache=True,
            logits_to_keep=1,
        )
        for row, (_, end) in zip(rows, spans, strict=True):
            row.cached = end
        logits: torch.Tensor = output.logits[:, -1].float()
        return logits


@dataclass(frozen=True, slots=True)
class AdapterSpeaker:
    """A `TokenEngine`: one adapter of a `SideBySideEngine`, or its base model."""

    engine: SideBySideEngine
    adapter: str | None

    def tokens(self, prompt: Sequence[int], settings: GenerationConfig, seed: int | None) -> Iterator[int | None]:
        """See `offbook.generation.stream.TokenEngine.tokens`."""
        return self.engine.tokens(self.adapter, prompt, settings, seed)
