"""The engine `llama.cpp`: a base model as one GGUF file, with an adapter for each character that speaks on it."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import UsageError
from offbook.core.progress import Reporter
from offbook.generation.context import context_length
from offbook.generation.llamacpp import LlamaCppEngine, LlamaServer
from offbook.generation.text_chunk import TextChunk
from offbook.models.load import load_tokenizer
from offbook.pipeline.adapter_source import CharacterSource
from offbook.pipeline.export_records import PARITY
from offbook.server.gguf_files import check_unchanged, gguf_files, not_exported
from offbook.server.served_model import ServedModel
from offbook.server.tokenizer_pool import TokenizerPool
from offbook.tokenization.chat_template import ChatTemplate

SLOTS = 4
"""Replies that llama.cpp grows side by side."""


@dataclass
class _Generation:
    """A server with a set of adapters; another takes its place when a character is added."""

    server: LlamaServer
    places: dict[str, int]
    """A character's key → the number of its adapter in the server."""
    replies: int = 0
    """How many are growing."""
    is_old: bool = False


class LlamaCppHost:
    """A GGUF file and the characters that speak on it.

    llama.cpp takes adapters only when it starts: for another character a second server is started on the same file
    (whose pages in memory both share) and takes all further replies; the first one ends with its last reply.

    On a base that characters share, replies with the same adapter take turns. llama.cpp would compute them in one
    batch, whose sums come out in another order than those of a reply alone, and where two tokens are nearly as likely,
    the reply is another one. Replies with different adapters are never in one batch, and grow side by side.

    Args:
        sources: characters that will speak: one that has a file of its own, or several that share a base.
        reporter: is told what is being loaded.

    Raises:
        UsageError: they have no files that passed the parity gate, or not on one base.
    """

    engine = "llama.cpp"
    slots = SLOTS

    def __init__(self, sources: Sequence[CharacterSource], reporter: Reporter) -> None:
        self._reporter = reporter
        files = gguf_files(sources, reporter)
        if files is None:
            raise not_exported(sources)
        self._model, self._is_merged = files[0].model, files[0].is_merged
        reporter.stage("Loading {source}", source=self._model.name)
        check_unchanged(files[0].record, self._model, sources[0])
        shape = json.loads((files[0].record / PARITY).read_text(encoding="utf-8"))
        self._context = context_length(shape["context"], shape["cache_bytes_per_token"], SLOTS)
        self._lock = threading.Lock()
        self._turns: defaultdict[str, AbstractContextManager[object]] = defaultdict(
            nullcontext if self._is_merged else threading.Lock
        )
        self._adapters: dict[str, Path] = {}
        self._tokenizers = TokenizerPool()
        # One server for all that are known from the beginning, and not one more for each.
        self._expected = {source.adapter: gguf for source, gguf in zip(sources, files, strict=True)}
        for source, gguf in zip(sources, files, strict=True):
            check_unchanged(gguf.record, gguf.adapter, source)
        self._numbers = iter(range(10**9))
        self._now = self._start({self._key(): gguf.adapter for gguf in files})

    def add(self, source: CharacterSource) -> ServedModel:
        """A character that is ready to speak.

        Raises:
            UsageError: it has no adapter for this base that passed the parity gate.
            OffbookError: a file has changed since it was compared.
        """
        persona = source.persona
        if persona is None:
            raise UsageError(
                "{adapter} holds no persona.json",
                "Serve it with --engine transformers.",
                adapter=source.adapter,
            )
        template = ChatTemplate(load_tokenizer(source.adapter), persona.template_kwargs)
        tokenizer = self._tokenizers.share(template)
        key = self._place(source)
        tuned, base = (0.0, -1.0) if self._is_merged else (1.0, 0.0)
        return ServedModel(
            name=source.name,
            engine=self.engine,
            persona=persona,
            template=template,
            context=self._now.server.context,
            tuned=lambda prompt, settings, seed: self._generate(key, tuned, prompt, settings, seed),
            base=lambda prompt, settings, seed: self._generate(key, base, prompt, settings, seed),
            base_folder=lambda: source.base_model.path,
            key=key,
            encoding=tokenizer.lock,
        )

    def accepts(self, source: CharacterSource) -> bool:
        """Whether the character has an adapter for the file that is open."""
        files = gguf_files([source], self._reporter, shared=True)
        return not self._is_merged and files is not None and files[0].model == self._model

    def remove(self, model: ServedModel) -> None:
        """Forget a character; its adapter leaves with the next server."""
        self._adapters.pop(model.key, None)

    def close(self) -> None:
        """Stop the server."""
        self._now.server.close()

    def _key(self) -> str:
        return f"character{next(self._numbers)}"

    def _place(self, source: CharacterSource) -> str:
        """The key of a character whose adapter is in the server; a server is started where it is not."""
        files = self._expected.pop(source.adapter, None)
        if files is not None:
            return next(key for key, path in self._adapters.items() if path == files.adapter)
        loaded = gguf_files([source], self._reporter, shared=True)
        if loaded is None or loaded[0].model != self._model:
            raise not_exported([source])
        check_unchanged(loaded[0].record, loaded[0].adapter, source)
        key = self._key()
        successor = self._start({**self._adapters, key: loaded[0].adapter})
        with self._lock:
            before, self._now = self._now, successor
            before.is_old = True
            is_idle = before.replies == 0
        if is_idle:
            before.server.close()
        return key

    def _start(self, adapters: dict[str, Path]) -> _Generation:
        server = LlamaServer(self._model, adapters=list(adapters.values()), slots=SLOTS, context=self._context)
        self._adapters = adapters
        return _Generation(server, {key: place for place, key in enumerate(adapters)})

    def _generate(
        self, key: str, scale: float, prompt: Sequence[int], settings: GenerationConfig, seed: int | None
    ) -> Iterator[TextChunk]:
        with self._lock:
            generation = self._now
            generation.replies += 1
            turn = self._turns[key if scale else ""]  # the base is the same under every character
        try:
            engine = LlamaCppEngine(generation.server, adapter=generation.places[key], adapter_scale=scale)
            with turn:
                yield from engine.generate(prompt, settings, seed)
        finally:
            with self._lock:
                generation.replies -= 1
                is_done = generation.is_old and generation.replies == 0
            if is_done:
                generation.server.close()
