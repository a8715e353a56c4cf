"""Where a character lies: the adapter folder of a run or a bare PEFT adapter, and the base model that it needs."""

from __future__ import annotations

from pathlib import Path

from offbook.core.errors import UsageError
from offbook.core.persona import Persona
from offbook.core.progress import Reporter
from offbook.core.rundir import find_run
from offbook.hub import pull
from offbook.models import adapter as adapters


def pull_base(persona: Persona | None, folder: Path, base_model: str | None, reporter: Reporter) -> pull.LocalModel:
    """The base model of the adapter in `folder`, from where `base_model` says, or else the adapter.

    Raises:
        UsageError: neither says, or adapter and base do not belong together.
    """
    source = base_model or (persona.base.source if persona else adapters.base_of(folder))
    if not source:
        raise UsageError(f"{folder} does not say which base model it belongs to", "Name it with --base-model.")
    revision = persona.base.revision if persona and base_model is None else "master"
    pulled = pull.pull(source, revision, reporter=reporter)
    _refuse_other_base(persona, pulled, folder)
    return pulled


def adapter_folder(run: str | Path) -> Path:
    """The adapter folder of a run, or the path itself where it is a bare PEFT adapter.

    Raises:
        UsageError: there is none.
    """
    bare = Path(run)
    if (bare / adapters.WEIGHTS).is_file():
        return bare
    found = find_run(run)
    if not found.finished:
        raise UsageError(
            f"the run '{found.name}' has no adapter yet ({found.status})",
            f"Train it: offbook train -c {found.config} --resume",
        )
    return found.adapter


def _refuse_other_base(persona: Persona | None, pulled: pull.LocalModel, folder: Path) -> None:
    """The weights must be those that the adapter was trained on."""
    if persona is None or not persona.base.files or not pulled.files:
        return
    if persona.base.files != pulled.files:
        raise UsageError(
            f"the adapter in {folder} was trained on other weights than those in {pulled.path}",
            f"Pull the right ones: offbook pull {persona.base.source} --revision {persona.base.revision}",
        )
