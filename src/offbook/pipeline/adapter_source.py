"""Where a character is found on this computer, resolved once from the path or name that a user gave.

source = resolve_character("runs/hamlet")
source.adapter        # folder of the PEFT adapter
source.base_model     # the base model's folder; downloaded when first asked for
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from offbook.core.config.schema import is_hub
from offbook.core.errors import UsageError
from offbook.core.i18n import marked
from offbook.core.persona import Persona
from offbook.core.progress import NullReporter, Reporter
from offbook.core.rundir import RunDir, find_run, refuse_impossible
from offbook.core.shell import offbook_command
from offbook.hub.pull import LocalModel, pull
from offbook.hub.snapshot import is_pulled
from offbook.models.adapter_files import WEIGHTS, base_of, revision_of
from offbook.models.quantized_copy import original_of


@dataclass(frozen=True)
class CharacterSource:
    """The files of a character: its adapter, its persona, its run and its base model."""

    adapter: Path
    """Folder of the PEFT adapter."""
    persona: Persona | None
    """What was stored beside the adapter; None for an adapter that was trained with another program."""
    run: RunDir | None
    """The run that made the adapter; None for a bare adapter folder, whatever lies beside it."""
    base_override: str | None = None
    """Source of the base model that the user named, in place of the one that the adapter names."""
    reporter: Reporter = field(default_factory=NullReporter, repr=False, compare=False)
    """Shows the download of the base model."""

    @property
    def name(self) -> str:
        """The run's name, or that of the adapter folder."""
        folder = self.adapter.resolve()
        return folder.parent.name if folder.name == "adapter" else folder.name

    @property
    def folder(self) -> Path:
        """What a command is given to mean this character: its run's folder, or a bare adapter's own."""
        return self.adapter if self.run is None else self.run.path

    @property
    def exports_dir(self) -> Path:
        """The folder that holds the character's exports: in its run, or in a bare adapter's own folder."""
        return self.run.exports if self.run is not None else self.adapter / "export"

    @property
    def base_on_a_hub(self) -> str | None:
        """ORG/NAME of the base model on a hub, where an adapter of another program names it so and it is not here.

        Of a quantized copy, which no adapter can be put on here, the original is named.
        """
        source = base_of(self.adapter)
        if self.persona or self.base_override or not source or is_hub(source) or Path(source).is_dir():
            return None
        return original_of(source) if re.fullmatch(r"[\w.-]+/[\w.-]+", source) else None

    @property
    def base_revision(self) -> str:
        """Branch, tag or commit of the base model that character or adapter name; of any other the default branch."""
        if self.persona and self.base_override is None:
            return self.persona.base.revision
        names_it = self.base_on_a_hub in (None, base_of(self.adapter))  # a copy's revision is none of its original's
        return (revision_of(self.adapter) if self.base_override is None and names_it else None) or "master"

    @cached_property
    def base_model(self) -> LocalModel:
        """The base model on this computer, downloaded the first time.

        Raises:
            UsageError: neither user nor adapter names it, or the adapter was trained on other weights.
            OffbookError: the download failed.
        """
        persona, on_a_hub = self.persona, self.base_on_a_hub
        source = self.base_override or (persona.base.source if persona else base_of(self.adapter))
        if on_a_hub:
            source = next(
                (f"{hub}:{on_a_hub}" for hub in ("hf", "ms") if is_pulled(hub, on_a_hub, self.base_revision)), source
            )
        if source and not (self.base_override or persona or is_hub(source) or Path(source).is_dir()):
            raise UsageError(
                "the adapter in {adapter} names its base model '{source}', which is no folder here",
                _ON_A_HUB if on_a_hub else "Say where it is with --base-model.",
                adapter=self.adapter,
                source=source,
                repository=on_a_hub or "",
            )
        if not source:
            raise UsageError(
                "{adapter} does not name its base model",
                "Name it with --base-model.",
                adapter=self.adapter,
            )
        revision = self.base_revision
        local = pull(source, revision, reporter=self.reporter)
        if persona is not None and persona.base.files and local.files and persona.base.files != local.files:
            raise UsageError(
                "the adapter in {adapter} was trained on other weights than those in {path}",
                "Pull the right ones: {command}",
                adapter=self.adapter,
                path=local.path,
                command=offbook_command("pull", persona.base.source, "--revision", persona.base.revision),
            )
        return local


_ON_A_HUB = marked(
    "Say where it is with --base-model (try hf:{repository} or ms:{repository}), "
    "or pull it from Hugging Face with --yes."
)


def resolve_character(
    character: str | Path, *, base_model: str | None = None, reporter: Reporter | None = None
) -> CharacterSource:
    """Find a character by its run folder, its run's name, or a bare PEFT adapter folder.

    Args:
        character: the path or name.
        base_model: source of the base model; default: the one that the adapter names.
        reporter: shows the download of the base model.

    Raises:
        UsageError: there is no such run, it has no adapter yet, or its persona.json is damaged.
    """
    adapter, run = _adapter_and_run(character)
    return CharacterSource(adapter, Persona.load(adapter), run, base_model, reporter or NullReporter())


def _adapter_and_run(character: str | Path) -> tuple[Path, RunDir | None]:
    refuse_impossible(character)
    folder = Path(character)
    if (folder / WEIGHTS).is_file():
        run = RunDir(folder.resolve().parent)
        return folder, run if run.exists and run.adapter == folder.resolve() else None
    if (folder / "adapter_model.bin").is_file():
        raise UsageError(
            "the adapter in {folder} is only a pickle (adapter_model.bin), and opening one can run any program",
            "Get it as adapter_model.safetensors, or save it so with the program that made it.",
            folder=folder,
        )
    run = find_run(character)
    if not run.finished:
        raise UsageError(
            "the run '{name}' has no adapter yet ({status})",
            "Train it: {command}",
            name=run.name,
            status=run.status,
            command=offbook_command("train", "-c", run.config, "--resume"),
        )
    return run.adapter, run
