"""What a character needs in order to speak as it was trained: stored beside the adapter as `persona.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import UsageError
from offbook.core.types import Turn

FILE_NAME = "persona.json"


class StopToken(BaseModel):
    """The token that ends a reply: in training, in chat, in the server and in every export."""

    token: str
    id: int


class BaseModelRef(BaseModel):
    """The model that the adapter belongs to."""

    source: str
    revision: str
    files: dict[str, str] = {}
    """File name → sha256 of the weights."""


class Persona(BaseModel):
    """A trained character's identity."""

    model_config = ConfigDict(extra="ignore")

    name: str
    system: str | None = None
    greeting: str | None = None
    sample_prompts: list[str] = []
    stop_token: StopToken
    generation: GenerationConfig
    base: BaseModelRef
    template: str | None = None
    """Name of the built-in chat template, where the model brought none."""
    template_sha256: str = ""
    template_kwargs: dict[str, Any] = {}

    def save(self, folder: Path) -> None:
        """Write persona.json into an adapter folder."""
        text = json.dumps(self.model_dump(), ensure_ascii=False, indent=2)
        (folder / FILE_NAME).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Persona | None:
        """The persona stored in an adapter folder, or None for an adapter that was trained elsewhere.

        Raises:
            UsageError: the file is there but damaged.
        """
        path = folder / FILE_NAME
        if not path.is_file():
            return None
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except (ValidationError, UnicodeDecodeError) as error:
            first = error.errors()[0] if isinstance(error, ValidationError) else None
            reason = error if first is None else f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            raise UsageError(
                "{path} is damaged: {error}",
                "Restore it, or train the run again.",
                path=path,
                error=reason,
            ) from None


def add_system(turns: Sequence[Turn], system: str | None) -> tuple[Turn, ...]:
    """The turns under the system prompt, unless they bring one or there is none."""
    if system is None or (turns and turns[0].role == "system"):
        return tuple(turns)
    return (Turn("system", system), *turns)
