"""The models behind the server: a character, and its base model beside it, in one of the engines.

An engine is a function here and its entry in ENGINES.
"""

from __future__ import annotations

import copy
import json
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import OffbookError, UsageError
from offbook.core.persona import Persona
from offbook.core.progress import Reporter
from offbook.core.registry import lookup
from offbook.core.types import Turn
from offbook.exporters.formats import FORMATS
from offbook.generation.context import cache_bytes_per_token, context_length, longest_context
from offbook.generation.llamacpp import LlamaCppEngine, LlamaServer
from offbook.generation.stream import TextChunk, TokenEngine, TransformersEngine, stream
from offbook.hub.cache import sha256
from offbook.models.load import load_model, load_tokenizer
from offbook.pipeline.adapter_source import CharacterSource, resolve_character
from offbook.pipeline.character import open_character
from offbook.pipeline.exporting import PARITY, SHAPE
from offbook.server.conversation import Prompt, SystemPolicy, fit, spoken_turns, system_text
from offbook.tokenization.chat_template import ChatTemplate

GenerateFn = Callable[[Sequence[int], GenerationConfig, int | None], Iterator[TextChunk]]
"""(prompt ids, settings, seed) → the chunks of a reply."""

LORA_SUFFIX = "-lora.gguf"
EXPORT_AGAIN = "Remove that folder, and export it again: offbook export RUN --to gguf"

SLOTS = 4
"""Replies that llama.cpp grows side by side."""


@dataclass
class ServedModel:
    """A character that is ready to speak, and its base model.

    Texts become ids one at a time (a tokenizer is not made for several threads); replies may grow side by side.
    """

    name: str
    engine: str
    persona: Persona
    template: ChatTemplate
    slots: int
    """Replies that may grow at the same time."""
    context: int
    """Tokens of prompt and reply together."""
    tuned: GenerateFn
    open_base: Callable[[], GenerateFn]
    base_folder: Callable[[], Path]
    """Where the base model lies; pulled when it is first asked for."""
    close: Callable[[], None] = lambda: None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def base(self) -> GenerateFn:
        """The base model, loaded when it is first asked."""
        return self.open_base()

    def chat_prompt(self, turns: Sequence[Turn], system: SystemPolicy, room: int | None) -> Prompt:
        """The prompt of a conversation; a last turn of the character's is the beginning of its reply.

        Args:
            turns: as the client sent them.
            system: what the client's system prompt does.
            room: tokens that the prompt may have; oldest turns are left out. None: as many as it takes.

        Raises:
            ContextOverflowError: the last exchange alone is longer than `room`.
        """
        text = system_text(self.persona, turns, system)
        spoken = spoken_turns(turns)
        opening = [Turn("system", text)] if text is not None else []
        greeted = spoken[:1] == [Turn("assistant", self.persona.greeting or "")]
        with self._lock:
            return fit(
                [*opening, *spoken],
                pinned=len(opening) + greeted,
                room=room or sys.maxsize,
                encode=self._encode,
                count=lambda text: len(self.template.text_ids(text)),
            )

    def _encode(self, turns: Sequence[Turn]) -> list[int]:
        if len(turns) > 1 and turns[-1].role == "assistant":
            return [*self.template.prompt_ids(turns[:-1]), *self.template.text_ids(turns[-1].text)]
        return self.template.prompt_ids(turns)

    def text_ids(self, text: str) -> list[int]:
        """Ids of plain text; control tokens in it stay text."""
        with self._lock:
            return self.template.text_ids(text)


def load_backend(
    run: str, engine: str, *, base_model: str | None, template: str | None, reporter: Reporter
) -> ServedModel:
    """Open a character for serving.

    Args:
        run: a run folder, its name, or a bare PEFT adapter folder.
        engine: a name in ENGINES, or auto: llama.cpp where the run has a GGUF that passed the parity gate.
        base_model: source of the base model, as for `load_character`.
        template: a built-in chat template by name, as for `load_character`.
        reporter: is told what is being loaded.

    Raises:
        UsageError: run or engine are at fault.
    """
    source = resolve_character(run, base_model=base_model, reporter=reporter)
    if engine == "auto":
        engine = "llama.cpp" if proved_gguf(source, reporter) is not None else "transformers"
    return lookup(ENGINES, engine, "engine")(source, template, reporter)


def from_token_engine(engine: TokenEngine, tokenizer: Any, stop_ids: Sequence[int]) -> GenerateFn:
    """Replies from an engine that gives ids."""
    # Reading ids changes nothing in a tokenizer, so a copy that does nothing else may serve all threads.
    decoder = copy.deepcopy(tokenizer)
    return lambda prompt, settings, seed: stream(engine, decoder, prompt, settings, stop_ids, seed)


def open_transformers(source: CharacterSource, template: str | None, reporter: Reporter) -> ServedModel:
    """transformers, the adapter merged in memory where that is exact (float32); one reply at a time."""
    character = open_character(source, template=template)
    persona = character.persona
    character.merge_adapter()
    tokenizer = character.template.tokenizer
    config, bytes_per_value = character.model.config, character.model.dtype.itemsize

    def open_base() -> GenerateFn:
        base = character.base_engine or TransformersEngine(load_model(source.base_model.path, "float32"))
        return from_token_engine(base, tokenizer, character.stop_ids)

    return ServedModel(
        name=source.name,
        engine="transformers",
        persona=persona,
        template=character.template,
        slots=1,
        context=context_length(longest_context(config), cache_bytes_per_token(config, bytes_per_value)),
        tuned=from_token_engine(character.engine, tokenizer, character.stop_ids),
        open_base=open_base,
        base_folder=lambda: source.base_model.path,
    )


def open_llamacpp(source: CharacterSource, template: str | None, reporter: Reporter) -> ServedModel:
    """llama.cpp on the run's exported GGUF; the base model is the same file with the adapter taken out again."""
    gguf = proved_gguf(source, reporter)
    if gguf is None:
        folder = source.adapter if source.run is None else source.run.path
        raise UsageError(
            "this run has no GGUF that passed the parity gate", f"Make one: offbook export {folder} --to gguf"
        )
    persona = source.persona
    if persona is None:
        raise UsageError(f"{source.adapter} holds no persona.json", "Serve it with --engine transformers.")
    reporter.stage("Loading {source}", source=gguf.name)
    adapter = _lora_beside(gguf)
    for path in (gguf, adapter):
        _check_unchanged(path)
    chat = ChatTemplate(load_tokenizer(source.adapter), persona.template_kwargs)
    parity = json.loads((gguf.parent / PARITY).read_text(encoding="utf-8"))
    context = context_length(parity["context"], parity["cache_bytes_per_token"], SLOTS)
    server = LlamaServer(gguf, adapter=adapter, slots=SLOTS, context=context)
    return ServedModel(
        name=source.name,
        engine="llama.cpp",
        persona=persona,
        template=chat,
        slots=SLOTS,
        context=server.context,
        tuned=LlamaCppEngine(server).generate,
        open_base=lambda: LlamaCppEngine(server, adapter_scale=-1).generate,
        base_folder=lambda: source.base_model.path,
        close=server.close,
    )


ENGINES: dict[str, Callable[[CharacterSource, str | None, Reporter], ServedModel]] = {
    "transformers": open_transformers,
    "llama.cpp": open_llamacpp,
}


def proved_gguf(source: CharacterSource, reporter: Reporter | None = None) -> Path | None:
    """The character's GGUF that passed the parity gate.

    Of several, the one whose number format is first in FORMATS: a smaller one is hardly faster on two cores, and
    drifts more. One whose record is damaged, or whose adapter is missing, is left out with a warning.
    """
    candidates = []
    for record in source.exports_dir.glob(f"*/{PARITY}"):
        try:
            parity = json.loads(record.read_text(encoding="utf-8"))
            if parity["passed"] is not True or parity["format"] not in ("gguf", "ollama"):
                continue
            rank = FORMATS[parity["format"]].quants.index(parity["quant"])
            _lora_beside(record)
            if not all(isinstance(parity[name], int) and parity[name] > 0 for name in SHAPE):
                raise ValueError("the model's shape is not a shape")
            models = [record.parent / name for name in parity["sha256"] if not name.endswith(LORA_SUFFIX)]
        except (OSError, ValueError, KeyError, TypeError, StopIteration, RecursionError):
            if reporter is not None:
                reporter.warning("{folder} is damaged and is not used; export it again", folder=record.parent)
            continue
        candidates += [(rank, path) for path in models]
    return min(candidates)[1] if candidates else None


def _lora_beside(path: Path) -> Path:
    return next(path.parent.glob(f"*{LORA_SUFFIX}"))


def _check_unchanged(path: Path) -> None:
    """The file has to be the one that was compared with the adapter, not merely one of that name.

    Raises:
        OffbookError: its hash differs from the one in the export's record.
    """
    recorded = json.loads((path.parent / PARITY).read_text(encoding="utf-8"))["sha256"]
    if not path.is_file() or recorded.get(path.name) != sha256(path):
        raise OffbookError(f"{path} has changed since it was compared with the adapter", EXPORT_AGAIN)
