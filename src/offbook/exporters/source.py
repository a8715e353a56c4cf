"""What an export format gets to work with."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offbook.core.persona import Persona
from offbook.exporters.self_contained_template import self_contained

CARRIED = ("tokenizer.model", "LICENSE*", "LICENCE*", "NOTICE*")
"""Files of the base model that a copy needs, and that saving a tokenizer or a model loses."""


@dataclass(frozen=True, slots=True)
class ExportSource:
    """The character to be copied."""

    model: Any
    """The PEFT model; a format may use it up."""
    tokenizer: Any
    persona: Persona
    base: Path
    """The base model's folder."""
    stop_ids: Sequence[int]
    """Ids that end a reply, the ending first."""
    name: str
    """A plain name for files."""

    @property
    def template(self) -> str:
        """The chat template with the character's prompt in it."""
        persona = self.persona
        return self_contained(self.tokenizer.chat_template, persona.template_kwargs, persona.system)

    def carry_over(self, folder: Path) -> None:
        """Copy what has to go along from the base model: tokenizer source and licence."""
        for pattern in CARRIED:
            for path in self.base.glob(pattern):
                shutil.copy(path, folder)
