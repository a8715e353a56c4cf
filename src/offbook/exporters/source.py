"""The character that an export format is given."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offbook.core.persona import Persona
from offbook.core.progress import CountProgress, uncounted
from offbook.exporters.self_contained_template import self_contained

CARRIED = ("tokenizer.model", "LICENSE*", "LICENCE*", "NOTICE*")
"""Files of the base model that a copy needs, and that saving a tokenizer or a model loses."""
PROCESSORS = ("*processor_config.json",)
"""Those without which other programs load no model of text and pictures."""


@dataclass(frozen=True, slots=True)
class ExportSource:
    """A character that is to be exported."""

    model: Any
    """The PEFT model; a format may use it up."""
    tokenizer: Any
    persona: Persona
    base: Path
    """The base model's folder."""
    stop_ids: Sequence[int]
    """Ids that end a reply, the stop token first."""
    name: str
    """A name that is safe in file names."""
    merge: Callable[[Any], Any]
    """A PEFT model → its base model with the adapter folded in."""
    shared: Path = Path("base")
    """How the names of files begin that all characters of the base model use."""
    progress: CountProgress = uncounted
    """Is told how many tensors are written."""

    @property
    def template(self) -> str:
        """The chat template with the character's prompt in it."""
        persona = self.persona
        return self_contained(self.tokenizer.chat_template, persona.template_kwargs, persona.system)

    def carry_over(self, folder: Path, *others: str) -> None:
        """Copy the base model's files that an export needs into `folder`: tokenizer source, licence, `others`."""
        for pattern in (*CARRIED, *others):
            for path in self.base.glob(pattern):
                shutil.copy(path, folder)
