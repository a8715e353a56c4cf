"""The files by which llama.cpp speaks as a character, among the exports of its run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from offbook.core.errors import OffbookError, UsageError
from offbook.core.progress import Reporter
from offbook.core.shell import offbook_command
from offbook.core.text_file import read_text
from offbook.exporters.formats import FORMATS
from offbook.hub.cache import sha256
from offbook.pipeline.adapter_source import CharacterSource
from offbook.pipeline.export_records import PARITY, SHAPE

LORA_SUFFIX = "-lora.gguf"


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
            parity = json.loads(read_text(record))
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


def not_exported(sources: Sequence[CharacterSource]) -> UsageError:
    """The error that characters have no such files."""
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


def check_unchanged(record: Path, path: Path, source: CharacterSource) -> None:
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
