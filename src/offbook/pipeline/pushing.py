"""A character to a hub: its adapter, or an export that was proved equal to it, with a card for people.

What is pushed is gathered in a folder of its own: the large files as links, the few that name a folder of this
computer written anew, and the card as README.md.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from offbook.core.config.schema import is_hub
from offbook.core.errors import GateMissed, UsageError
from offbook.core.persona import FILE_NAME, Persona
from offbook.core.progress import NullReporter, Reporter
from offbook.core.registry import lookup
from offbook.core.shell import offbook_command
from offbook.exporters.formats import FORMATS
from offbook.exporters.model_card import model_card
from offbook.exporters.parity import Parity
from offbook.hub.cache import sha256
from offbook.hub.push import push_folder
from offbook.models.adapter_files import CONFIG
from offbook.pipeline.adapter_source import CharacterSource
from offbook.pipeline.exporting import MODEL_CARD, PARITY, history

ADAPTER = "adapter"
MISSED = "-missed-parity"
"""What the name of an export's folder ends in that is too far from the adapter."""


@dataclass(frozen=True, slots=True)
class _Subject:
    """What the card is about."""

    persona: Persona
    name: str
    base: Path


def push(
    source: CharacterSource,
    target: str,
    *,
    what: str = ADAPTER,
    quant: str | None = None,
    private: bool = True,
    reporter: Reporter | None = None,
) -> str:
    """Put a character into a repository on a hub.

    Args:
        source: the character.
        target: ms:ORG/NAME or hf:ORG/NAME.
        what: `adapter`, or the format of an export that lies in the run.
        quant: the export's number format, where there are several.
        private: make the repository visible to its owner alone.
        reporter: is told what is being done.

    Returns:
        The address of the repository's page.

    Raises:
        UsageError: there is nothing to push, it was changed since it was compared, or the repository is not ours.
        GateMissed: the export is too far from the adapter.
        OffbookError: the upload failed.
    """
    reporter = reporter or NullReporter()
    persona = source.persona
    if persona is None:
        raise UsageError(
            "{adapter} was trained by another program: what it was trained with is not known",
            "Push it with the hub's own program.",
            adapter=source.adapter,
        )
    lookup({ADAPTER: None, **FORMATS}, what, "thing to push")
    folder = source.adapter if what == ADAPTER else _export_folder(source, what, quant)
    record = {} if what == ADAPTER else _checked_record(folder)
    public = _public_persona(persona)
    subject = _Subject(public, source.name, source.base_model.path)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".push-") as place:
        staging = Path(place)
        _gather(folder, staging, public)
        for path in subject.base.glob("LICEN[SC]E*"):
            shutil.copy(path, staging)
        names = [path.name for path in staging.iterdir()]
        parity = Parity(**{field.name: record[field.name] for field in fields(Parity)}) if record else None
        card = model_card(subject, what, record.get("quant", ""), names, parity, history(source.run))
        (staging / "README.md").write_text(card, encoding="utf-8")
        kind = ", ".join(filter(None, (public.name, what, record.get("quant"))))
        return push_folder(staging, target, kind=kind, private=private, reporter=reporter)


def _export_folder(source: CharacterSource, what: str, quant: str | None) -> Path:
    """The folder of the one export that is meant."""
    name = f"{what}-{quant or '*'}"
    exports = [path for path in sorted(source.exports_dir.glob(name)) if (path / PARITY).is_file()]
    exact = [path for path in exports if not path.name.endswith(MISSED) and "-unproved-" not in path.name]
    if len(exact) == 1:
        return exact[0]
    if exact:
        raise UsageError(
            "there are several exports: {names}",
            "Say which one with --quant.",
            names=", ".join(path.name for path in exact),
        )
    missed = [path for path in sorted(source.exports_dir.glob(name + MISSED)) if (path / PARITY).is_file()]
    if missed:
        _checked_record(missed[0])
    raise UsageError(
        "there is no {format} of {name} yet",
        "Make it: {command}",
        format=what,
        name=source.name,
        command=offbook_command("export", source.folder, "--to", what, *(("--quant", quant) if quant else ())),
    )


def _checked_record(folder: Path) -> dict[str, Any]:
    """What the comparison of an export said, if it passed and was made of the files that lie there now."""
    record: dict[str, Any] = json.loads((folder / PARITY).read_text(encoding="utf-8"))
    if not record["passed"]:
        raise GateMissed(
            "{folder} is not pushed, it differs from the adapter: {failures}",
            "Export with a finer --quant and push that.",
            folder=folder,
            failures="; ".join(record["failures"]),
        )
    for name, expected in record["sha256"].items():
        if not (folder / name).is_file() or sha256(folder / name) != expected:
            raise UsageError(
                "{name} in {folder} is not the file that was compared with the adapter",
                "Remove the folder and export again.",
                name=name,
                folder=folder,
            )
    return record


def _public_persona(persona: Persona) -> Persona:
    """The persona without the place of a folder on this computer."""
    source = persona.base.source
    return persona.model_copy(
        update={"base": persona.base.model_copy(update={"source": source if is_hub(source) else Path(source).name})}
    )


def _gather(folder: Path, staging: Path, persona: Persona) -> None:
    """Put links to a folder's files into `staging`, and the files that name a place of this computer anew."""
    for path in folder.iterdir():
        if path.is_file() and path.name != MODEL_CARD:
            _link(path, staging / path.name)
    if (folder / FILE_NAME).is_file():
        (staging / FILE_NAME).unlink()
        persona.save(staging)
    if (folder / CONFIG).is_file():
        kind, _, repository = persona.base.source.rpartition(":")
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        config["base_model_name_or_path"] = repository if kind in ("hf", "ms") else persona.base.source
        (staging / CONFIG).unlink()
        (staging / CONFIG).write_text(json.dumps(config, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _link(path: Path, place: Path) -> None:
    with suppress(OSError):  # another disk, or a file system without links
        os.link(path, place)
        return
    shutil.copy2(path, place)
