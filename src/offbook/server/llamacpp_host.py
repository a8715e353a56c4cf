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
from offbook.core.errors import OffbookError, UsageError
from offbook.core.progress import Reporter
from offbook.core.shell import offbook_command
from offbook.exporters.formats import FORMATS
from offbook.generation.context import context_length
from offbook.generation.llamacpp import LlamaCppEngine, LlamaServer
from offbook.generation.stream import TextChunk
from offbook.hub.cache import sha256
from offbook.models.load import load_tokenizer
from offbook.pipeline.adapter_source import CharacterSource
from offbook.pipeline.exporting import PARITY, SHAPE
from offbook.server.served_model import ServedModel
from offbook.server.tokenizer_pool import TokenizerPool
from offbook.tokenization.chat_template import ChatTemplate

LORA_SUFFIX = "-lora.gguf"
SLOTS = 4
"""Replies that llama.cpp grows side by side."""


@dataclass(frozen=True, slots=True)
class GgufFiles:
    """The files by which llama.cpp speaks as a character."""

    model: Path
    """The character as one file, or the base model that several characters share."""
    adapter: Path
    """The character's adapter alone."""
    is_merged: bool
    """Whether `model` has the adapter in it already."""
    record: Path
    """The folder with the result of the comparison."""


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
            raise _not_exported(sources)
        self._model, self._is_merged = files[0].model, files[0].is_merged
        reporter.stage("Loading {source}", source=self._model.name)
        _check_unchanged(files[0].record, self._model, sources[0])
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
            _check_unchanged(gguf.record, gguf.adapter, source)
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
            raise _not_exported([source])
        _check_unchanged(loaded[0].record, loaded[0].adapter, source)
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


def gguf_files(
    sources: Sequence[CharacterSource], reporter: Reporter | None = None, *, shared: bool | None = None
) -> list[GgufFiles] | None:
    """The files of characters that passed the parity gate, all on one model file; None where there are none.

    Args:
        sources: the characters.
        reporter: is told of damaged exports, which are left out.
        shared: adapters on a base that characters share (True), or one file for a character (False); None: as many
            characters as there are need.
    """
    if shared is None:
        dedicated = gguf_files(sources, reporter, shared=False) if len(sources) == 1 else None
        return dedicated or gguf_files(sources, reporter, shared=True)
    candidates = [_proved(source, reporter, shared=shared) for source in sources]
    if not shared:
        return [candidates[0][0]] if candidates[0] else None
    for files in candidates[0]:
        same = [next((match for match in each if match.model == files.model), None) for each in candidates]
        if all(same):
            return [match for match in same if match is not None]
    return None


def _proved(source: CharacterSource, reporter: Reporter | None, *, shared: bool) -> list[GgufFiles]:
    """A character's files that passed, best first.

    That is the one whose number format is first in FORMATS: a smaller one is hardly faster on two cores, and
    drifts more. One whose record is damaged, or whose adapter is missing, is left out with a warning.
    """
    candidates = []
    for record in source.exports_dir.glob(f"*/{PARITY}"):
        folder = record.parent
        try:
            parity = json.loads(record.read_text(encoding="utf-8"))
            if parity["passed"] is not True or parity["format"] not in (("lora",) if shared else ("gguf", "ollama")):
                continue
            rank = FORMATS["gguf"].quants.index(parity["quant"])
            adapter = next(folder.glob(f"*{LORA_SUFFIX}"))
            if not all(isinstance(parity[name], int) and parity[name] > 0 for name in SHAPE):
                raise ValueError("the model's shape is not a shape")
            if shared:
                models = [Path(parity["base"]["path"])]
            else:
                models = [folder / name for name in parity["sha256"] if not name.endswith(LORA_SUFFIX)]
        except (OSError, ValueError, KeyError, TypeError, StopIteration, RecursionError):
            if reporter is not None:
                reporter.warning("{folder} is damaged and is not used; export it again", folder=folder)
            continue
        candidates += [(rank, path, adapter, folder) for path in models if path.is_file()]
    return [GgufFiles(model, adapter, not shared, folder) for _, model, adapter, folder in sorted(candidates)]


def _not_exported(sources: Sequence[CharacterSource]) -> UsageError:
    if len(sources) == 1:
        return UsageError(
            "this run has no GGUF that passed the parity gate",
            "Make one: {command}",
            command=offbook_command("export", sources[0].folder, "--to", "gguf"),
        )
    names = ", ".join(source.name for source in sources)
    return UsageError(
        "{names}: not all have an adapter that passed the parity gate on one base GGUF",
        "Make one for each: {command}",
        names=names,
        command=offbook_command("export", sources[0].folder, "--to", "lora", "--quant", "q8_0"),
    )


def _check_unchanged(record: Path, path: Path, source: CharacterSource) -> None:
    """The file has to be the one that was compared with the adapter, not merely one of that name.

    Raises:
        OffbookError: its hash differs from the one in the export's record.
    """
    parity = json.loads((record / PARITY).read_text(encoding="utf-8"))
    base = parity.get("base", {})
    recorded = base.get("sha256") if str(path) == base.get("path") else parity["sha256"].get(path.name)
    if not path.is_file() or recorded != sha256(path):
        raise OffbookError(
            "{path} has changed since it was compared with the adapter",
            "Remove the folder {folder}, and export it again: {command}",
            path=path,
            folder=path.parent,
            command=offbook_command("export", source.folder, "--to", record.name.partition("-")[0]),
        )
