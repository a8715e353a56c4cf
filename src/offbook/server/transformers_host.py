"""The engine `transformers`: one base model in memory, the adapters of its characters beside it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from itertools import count
from typing import Any

from offbook.core.progress import Reporter
from offbook.generation.adapter_bank import NotPlainError, check_plain
from offbook.generation.context import cache_bytes_per_token, context_length, longest_context
from offbook.generation.peft_switch import AdapterView
from offbook.generation.row_caches import can_go_side_by_side
from offbook.generation.side_by_side import SideBySideEngine
from offbook.generation.stream import TokenEngine, TransformersEngine
from offbook.models import adapter as adapters
from offbook.models.adapter_files import read_lora_config
from offbook.models.load import load_model
from offbook.pipeline.adapter_source import CharacterSource
from offbook.pipeline.character import open_voice
from offbook.server.served_model import ServedModel, from_token_engine
from offbook.server.tokenizer_pool import TokenizerPool
from offbook.tokenization.stop_tokens import stop_ids

ROWS = 8
"""Replies that grow side by side; each further one costs little until about there (docs/performance.md)."""


class TransformersHost:
    """A base model and the characters that speak on it.

    In float32, with plain LoRA and attention over all tokens, replies grow side by side, each with its own adapter.
    Otherwise (a GPU's bfloat16, DoRA, sliding windows) one reply at a time, since rounding depends on what else is in
    a batch, or the adapter is more than two matrices a layer.

    Args:
        sources: characters that will speak, all of one base.
        template: a built-in chat template by name, for bare adapters whose base has none.
        reporter: is told what is being loaded.
    """

    engine = "transformers"

    def __init__(self, sources: Sequence[CharacterSource], template: str | None, reporter: Reporter) -> None:
        self._template = template
        self._numbers = count()
        self._tokenizers = TokenizerPool()
        path = sources[0].base_model.path
        reporter.stage("Loading {source}", source=path.name)
        model = load_model(path, progress=partial(reporter.progress, unit="tensor"))
        self._eos = model.generation_config.eos_token_id
        config, size = model.config, model.dtype.itemsize
        side_by_side = can_go_side_by_side(model) and all(_is_plain(source, model) for source in sources)
        self.slots = ROWS if side_by_side else 1
        self._context = context_length(longest_context(config), cache_bytes_per_token(config, size), self.slots)
        self._speakers: _SideBySide | _OneByOne = _SideBySide(model) if side_by_side else _OneByOne(model)

    def add(self, source: CharacterSource) -> ServedModel:
        """A character that is ready to speak.

        Raises:
            NotPlainError: `accepts` says no.
            UsageError: its adapter does not belong to this base.
        """
        template, persona = open_voice(source, template=self._template)
        tokenizer = self._tokenizers.share(template)
        key = f"character{next(self._numbers)}"
        self._speakers.add(key, source)
        stop_tokens = stop_ids(persona.stop_token, self._eos)
        return ServedModel(
            name=source.name,
            engine=self.engine,
            persona=persona,
            template=template,
            context=self._context,
            tuned=from_token_engine(self._speakers.speaker(key), tokenizer.decoder, stop_tokens),
            base=from_token_engine(self._speakers.speaker(None), tokenizer.decoder, stop_tokens),
            base_folder=lambda: source.base_model.path,
            key=key,
            encoding=tokenizer.lock,
        )

    def accepts(self, source: CharacterSource) -> bool:
        """Whether the character can be added: it may be of a kind for which the base had to be loaded otherwise."""
        return self._speakers.accepts(source)

    def remove(self, model: ServedModel) -> None:
        """Take a character out, none of whose replies is growing."""
        self._speakers.remove(model.key)

    def close(self) -> None:
        """Free what the engine holds; no reply may be growing."""
        self._speakers.close()


class _SideBySide:
    """Speakers of a `SideBySideEngine`."""

    def __init__(self, model: Any) -> None:
        self._engine = SideBySideEngine(model, ROWS)

    def add(self, key: str, source: CharacterSource) -> None:
        self._engine.add(key, source.adapter)

    def accepts(self, source: CharacterSource) -> bool:
        read_lora_config(source.adapter)
        return self._engine.accepts(source.adapter)

    def remove(self, key: str) -> None:
        self._engine.remove(key)

    def speaker(self, key: str | None) -> TokenEngine:
        return self._engine.speaker(key)

    def close(self) -> None:
        self._engine.close()


class _OneByOne:
    """Speakers that take turns on a PEFT model."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._base: TokenEngine | None = None

    def add(self, key: str, source: CharacterSource) -> None:
        with self._lock:
            self._model = adapters.load(self._model, source.adapter, name=key).eval()

    def accepts(self, _: CharacterSource) -> bool:
        return True

    def remove(self, key: str) -> None:
        with self._lock:
            others = [name for name in self._model.peft_config if name != key]
            if others:  # peft warns where the adapter that is switched on is deleted
                self._model.set_adapter(others[0], inference_mode=True)
            self._model.delete_adapter(key)

    def speaker(self, key: str | None) -> TokenEngine:
        if key is not None:
            return TransformersEngine(AdapterView(self._model, key, self._lock))
        self._base = self._base or TransformersEngine(AdapterView(self._model, None, self._lock))
        return self._base

    def close(self) -> None:
        self._model = None


def _is_plain(source: CharacterSource, model: Any) -> bool:
    read_lora_config(source.adapter)
    try:
        check_plain(source.adapter, model)
    except NotPlainError:
        return False
    return True
