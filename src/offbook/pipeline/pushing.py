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

from offbook.core.config.schema import is_hub
from offbook.core.persona import FILE_NAME, Persona
from offbook.core.progress import NullReporter, Reporter
from offbook.exporters.model_card import model_card
from offbook.exporters.parity import Parity
from offbook.hub.push import push_folder
from offbook.models.adapter_files import CONFIG
from offbook.pipeline.adapter_source import CharacterSource
from offbook.pipeline.export_records import ADAPTER, MODEL_CARD, checked_record, folder_to_push
from offbook.pipeline.exporting import history


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
    folder = folder_to_push(source, what, quant)
    persona = source.persona
    assert persona is not None
    record = {} if what == ADAPTER else checked_record(folder)
    public = _public_persona(persona)
    subject = _Subject(public, source.name, source.base_model.path)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".push-") as place:
        staging = Path(place)
        _gather(folder, staging, public)
        for path in subject.base.glob("LICEN[SC]E*"):
            shutil.copy(path, staging)
        names = [path.name for path in staging.iterdir()]
        parity = (
            Parity(**{field.name: record[field.name] for field in fields(Parity) if field.name in record})
            if record
            else None
        )
        card = model_card(subject, what, record.get("quant", ""), names, parity, history(source.run))
        (staging / "README.md").write_text(card, encoding="utf-8")
        kind = ", ".join(filter(None, (public.name, what, record.get("quant"))))
        return push_folder(staging, target, kind=kind, private=private, reporter=reporter)


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
