"""Export of a character: written under a working name, compared with the adapter, released only if it is equal."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from offbook.core.atomic import atomic_dir, atomic_write_json
from offbook.core.config.yaml_file import read_settings
from offbook.core.errors import GateMissed, OffbookError, UsageError
from offbook.core.json_file import read_or_empty
from offbook.core.persona import Persona
from offbook.core.progress import CountProgress, NullReporter, Reporter
from offbook.core.rundir import RunDir
from offbook.core.system_errors import system_reason
from offbook.exporters import parity
from offbook.exporters.formats import ExportedArtifact
from offbook.exporters.model_card import History, model_card
from offbook.exporters.parity import BOUNDS, Parity, Runtime
from offbook.exporters.runtimes import LlamaCppRuntime, TransformersRuntime
from offbook.exporters.source import ExportSource
from offbook.generation.context import cache_bytes_per_token, longest_context
from offbook.generation.llamacpp import LlamaServer
from offbook.hub.cache import home, sha256
from offbook.models.load import load_config
from offbook.models.merging import merge
from offbook.pipeline.adapter_source import CharacterSource
from offbook.pipeline.character import Character, open_character
from offbook.pipeline.export_records import MODEL_CARD, PARITY, SHAPE
from offbook.pipeline.parity_questions import parity_questions
from offbook.pipeline.preflight import export_target
from offbook.tokenization.stop_tokens import proves_stop

WEIGHT_SUFFIXES = (".gguf", ".safetensors")
"""Files whose hashes are kept in PARITY: what was compared is what is served later."""


@dataclass(frozen=True, slots=True)
class ExportResult:
    """An export that was released."""

    path: Path
    """The folder that was written."""
    format: str
    quant: str
    """Its number format."""
    parity: Parity
    """How it compares with the adapter."""
    notes: list[str]
    """What the user should know about it, in sentences."""


def export(
    source: CharacterSource,
    to: str,
    *,
    quant: str | None = None,
    out: Path | None = None,
    template: str | None = None,
    reporter: Reporter | None = None,
) -> ExportResult:
    """Write a copy of the character for other programs, and release it only if it equals the adapter.

    Args:
        source: the character.
        to: merged, gguf, ollama or lora.
        quant: number format; default: the format's first.
        out: the folder to write; default: `export/FORMAT-QUANT` in the run.
        template: a built-in chat template by name, for a bare adapter whose base model has none.
        reporter: is told what is being done.

    Raises:
        UsageError: run, format or number format are at fault, or the folder already exists.
        GateMissed: the copy differs too much; it is kept under a name that ends in `-missed-parity`.
    """
    reporter = reporter or NullReporter()
    kind, quant, target = export_target(source, to, quant, out, template)
    kind.check(load_config(source.base_model.path))
    character = open_character(source, dtype="float32", template=template)
    original = _export_source(character, source, partial(reporter.progress, unit="tensor"))
    reporter.stage("Collecting reference outputs of the adapter")
    answered = partial(reporter.progress, unit="row")
    questions = parity_questions(character, source.run)
    reference = parity.reference_outputs(_adapter_runtime(character), questions, answered)
    # Two exports at once each have a folder of their own.
    working = target.with_name(f"{target.name}-unproved-{os.getpid()}")
    with _told_if_full(target), atomic_dir(working) as folder:
        reporter.stage("Writing {format} ({quant})", format=to, quant=quant)
        artifact = kind.write(original, folder, quant)
        reporter.stage("Comparing the export with the adapter")
        with _runtime_of(artifact, original) as runtime:
            result = parity.compare(reference, runtime, BOUNDS[quant], answered)
        _write_records(folder, original, artifact, to, quant, result, history(source.run))
    if not result.passed:
        kept = _rename_over(working, target.with_name(f"{target.name}-missed-parity"))
        raise GateMissed(
            "the export differs from the adapter: {failures}",
            "It is kept in {kept}, with the numbers in {parity}; a finer --quant may pass.",
            failures="; ".join(result.failures),
            kept=kept,
            parity=PARITY,
        )
    if target.exists():
        shutil.rmtree(working)
        raise UsageError(
            "{target} already exists: another export wrote it meanwhile",
            "Use that one.",
            target=target,
        )
    return ExportResult(_rename_over(working, target), to, quant, result, artifact.notes)


def _write_records(
    folder: Path,
    original: ExportSource,
    artifact: ExportedArtifact,
    to: str,
    quant: str,
    result: Parity,
    records: History,
) -> None:
    """Write the result of the comparison, for programs and for people."""
    files = [path.name for path in folder.iterdir()]
    hashes = {name: sha256(folder / name) for name in sorted(files) if name.endswith(WEIGHT_SUFFIXES)}
    config = original.model.config
    shape = dict(zip(SHAPE, (longest_context(config), cache_bytes_per_token(config, 2)), strict=True))
    record = {"format": to, "quant": quant, **result.as_dict(), "sha256": hashes, **shape}
    if artifact.model.parent != folder and artifact.model != folder:
        record["base"] = {"path": str(artifact.model), "sha256": sha256(artifact.model)}
    atomic_write_json(folder / PARITY, record)
    card = model_card(original, to, quant, files, result, records)
    (folder / MODEL_CARD).write_text(card, encoding="utf-8")


def _rename_over(folder: Path, target: Path) -> Path:
    """Give the folder its name, in place of what an earlier export left under it."""
    shutil.rmtree(target, ignore_errors=True)
    return folder.rename(target)


@contextmanager
def _told_if_full(target: Path) -> Iterator[None]:
    """Context manager: what the system refuses while an export is written is an error with a way out."""
    try:
        yield
    except OSError as error:
        raise OffbookError(
            "cannot write {target}: {strerror}",
            "Free some disk space, or name another folder: --out.",
            target=target,
            strerror=system_reason(error),
        ) from error


def _export_source(character: Character, source: CharacterSource, progress: CountProgress) -> ExportSource:
    return ExportSource(
        model=character.model,
        tokenizer=character.template.tokenizer,
        persona=character.persona,
        base=source.base_model.path,
        stop_ids=character.stop_ids,
        name=re.sub(r"[^\w.-]+", "-", source.name),
        merge=merge,
        shared=_shared_bases_dir(source, character.persona),
        progress=progress,
    )


def _shared_bases_dir(source: CharacterSource, persona: Persona) -> Path:
    """How the names of files begin that all characters of a base model use: other weights have other names."""
    base = source.base_model
    weights = base.files or {path.name: sha256(path) for path in sorted(base.path.glob("*.safetensors"))}
    identity = json.dumps([weights, persona.stop_token.token, persona.template_sha256], sort_keys=True)
    return home() / "gguf" / f"{base.path.name}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def _adapter_runtime(character: Character) -> TransformersRuntime:
    """The character itself, its adapter not merged, as the reference."""
    character.model.generation_config.eos_token_id = list(character.stop_ids)
    stop_token = character.persona.stop_token
    tokenizer = character.template.tokenizer
    return TransformersRuntime(character.model, tokenizer, lambda model, ids: proves_stop(model, stop_token, ids))


@contextmanager
def _runtime_of(artifact: ExportedArtifact, original: ExportSource) -> Iterator[Runtime]:
    """The artifact in the runtime that it is made for."""
    stop_token = original.persona.stop_token
    if artifact.model.is_dir():
        yield TransformersRuntime.open(artifact.model, lambda model, ids: proves_stop(model, stop_token, ids))
        return
    server = LlamaServer(artifact.model, adapters=[artifact.adapter] if artifact.adapter else [])
    try:
        yield LlamaCppRuntime(server, stop_token.id, 1.0 if artifact.adapter else 0.0, artifact.text)
    finally:
        server.close()


def history(run: RunDir | None) -> History:
    """What the run's records say, for the model card."""
    if run is None:
        return History()
    try:
        config = read_settings(run.config).tree
    except UsageError:  # damaged: the adapter speaks without it
        config = {}
    return History(config, read_or_empty(run.data / "report.json", dict), read_or_empty(run.eval, dict))
