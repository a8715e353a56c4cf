"""Export, composed: open the character, write the copy, prove it equal, give it its name."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from offbook.core.atomic import atomic_dir, atomic_write_json
from offbook.core.errors import GateMissed, UsageError
from offbook.core.progress import NullReporter, Reporter
from offbook.core.registry import lookup
from offbook.exporters import parity
from offbook.exporters.formats import FORMATS, ExportedArtifact
from offbook.exporters.model_card import History, model_card
from offbook.exporters.parity import BOUNDS, Parity, Runtime
from offbook.exporters.runtimes import LlamaCppRuntime, TransformersRuntime
from offbook.exporters.source import ExportSource
from offbook.generation.llamacpp import LlamaServer
from offbook.pipeline import adapter_source
from offbook.pipeline.character import Character, load_character
from offbook.pipeline.parity_questions import parity_questions, run_of_adapter
from offbook.tokenization.stop_tokens import proves_stop

PARITY = "parity.json"
MODEL_CARD = "MODEL_CARD.md"


@dataclass(frozen=True, slots=True)
class Exported:
    """A copy that was released."""

    path: Path
    format: str
    quant: str
    parity: Parity
    notes: list[str]


def export(
    run: str | Path,
    to: str,
    *,
    quant: str | None = None,
    out: Path | None = None,
    base_model: str | None = None,
    template: str | None = None,
    reporter: Reporter | None = None,
) -> Exported:
    """Write a copy of the character for other programs, and release it only if it equals the original.

    Args:
        run: a run folder, its name, or a bare PEFT adapter folder.
        to: merged, gguf, ollama or lora.
        quant: number format; default: the format's first.
        out: the folder to write; default: `export/FORMAT-QUANT` in the run.
        base_model, template: as for `character.load`.

    Raises:
        UsageError: run, format or number format are at fault, or the folder is there already.
        GateMissed: the copy is not equal enough; it is kept under a name that ends in `-missed-parity`.
    """
    reporter = reporter or NullReporter()
    kind = lookup(FORMATS, to, "export format")
    quant = quant or kind.quants[0]
    lookup(dict.fromkeys(kind.quants), quant, f"number format for {to}")
    target = out or exports(run) / f"{to}-{quant}"
    if target.exists():
        raise UsageError(f"{target} is there already", "Remove it, or name another folder with --out.")
    character = load_character(run, base_model=base_model, dtype="float32", template=template, reporter=reporter)
    original = _original(character, run)
    reporter.stage("Asking the original")
    passages = parity.passages(_speaker(character), parity_questions(character, run))
    unproved = target.with_name(f"{target.name}-unproved")
    with atomic_dir(unproved) as folder:
        reporter.stage("Writing {format} ({quant})", format=to, quant=quant)
        copy = kind.write(original, folder, quant)
        reporter.stage("Comparing the copy with the original")
        with _opened(copy, original) as speaker:
            found = parity.compare(passages, speaker, BOUNDS[quant])
        if copy.scratch:
            copy.model.unlink()
        _write_records(folder, original, to, quant, found, _history(run))
    if not found.passed:
        kept = _renamed(unproved, target.with_name(f"{target.name}-missed-parity"))
        raise GateMissed(
            f"the copy is not the original: {'; '.join(found.failures)}",
            f"It is kept in {kept}, with the numbers in {PARITY}; a finer --quant may pass.",
        )
    return Exported(_renamed(unproved, target), to, quant, found, copy.notes)


def _write_records(folder: Path, original: ExportSource, to: str, quant: str, found: Parity, history: History) -> None:
    """What the comparison found, for programs and for people."""
    files = [path.name for path in folder.iterdir()]
    atomic_write_json(folder / PARITY, {"format": to, "quant": quant, **found.as_dict()})
    card = model_card(original, to, quant, files, found, BOUNDS[quant], history)
    (folder / MODEL_CARD).write_text(card, encoding="utf-8")


def exports(run: str | Path) -> Path:
    """The folder that holds a run's copies; those of a bare adapter lie in its own folder."""
    adapter = adapter_source.adapter_folder(run)
    return (adapter if adapter == Path(run) else adapter.parent) / "export"


def _renamed(folder: Path, name: Path) -> Path:
    shutil.rmtree(name, ignore_errors=True)
    return folder.rename(name)


def _original(character: Character, run: str | Path) -> ExportSource:
    adapter = adapter_source.adapter_folder(run).resolve()
    name = adapter.parent.name if adapter.name == "adapter" else adapter.name
    return ExportSource(
        model=character.model,
        tokenizer=character.template.tokenizer,
        persona=character.persona,
        base=character.pulled.path,
        stop_ids=character.stop_ids,
        name=re.sub(r"[^\w.-]+", "-", name),
    )


def _speaker(character: Character) -> TransformersRuntime:
    """The original itself, its adapter unmerged."""
    character.model.generation_config.eos_token_id = list(character.stop_ids)
    stop_token = character.persona.stop_token
    tokenizer = character.template.tokenizer
    return TransformersRuntime(character.model, tokenizer, lambda model, ids: proves_stop(model, stop_token, ids))


@contextmanager
def _opened(copy: ExportedArtifact, original: ExportSource) -> Iterator[Runtime]:
    """The copy in the runtime that it is for."""
    stop_token = original.persona.stop_token
    if copy.model.is_dir():
        yield TransformersRuntime.open(copy.model, lambda model, ids: proves_stop(model, stop_token, ids))
        return
    server = LlamaServer(copy.model, adapter=copy.adapter)
    try:
        yield LlamaCppRuntime(server, stop_token.id, 1.0 if copy.adapter else 0.0, copy.text)
    finally:
        server.close()


def _history(run: str | Path) -> History:
    trained = run_of_adapter(adapter_source.adapter_folder(run))
    if trained is None:
        return History()
    config = yaml.safe_load(trained.config.read_text(encoding="utf-8"))
    return History(config, _json(trained.data / "report.json"), _json(trained.eval))


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
