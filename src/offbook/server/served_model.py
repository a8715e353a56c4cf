"""A character that is ready to speak in one of the engines, and its base model beside it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from offbook.core.config.schema import GenerationConfig
from offbook.core.persona import Persona
from offbook.core.types import Turn
from offbook.generation.stream import TokenEngine, stream
from offbook.generation.text_chunk import TextChunk
from offbook.pipeline.model_limits import refuse_long_persona
from offbook.server.conversation import Prompt, SystemPolicy, fit, spoken_turns, system_text
from offbook.tokenization.chat_template import ChatTemplate

GenerateFn = Callable[[Sequence[int], GenerationConfig, int | None], Iterator[TextChunk]]
"""(prompt ids, settings, seed) → the chunks of a reply."""


@dataclass
class ServedModel:
    """A character that is ready to speak, and its base model.

    Texts become ids one at a time (see `SharedTokenizer`); replies may grow side by side.
    """

    name: str
    engine: str
    persona: Persona
    template: ChatTemplate
    context: int
    """Tokens of prompt and reply together."""
    tuned: GenerateFn
    base: GenerateFn
    base_folder: Callable[[], Path]
    """Where the base model lies; pulled when it is first asked for."""
    key: str = ""
    """The engine's own name for the character."""
    encoding: threading.Lock = field(default_factory=threading.Lock)
    """Held while a text becomes ids; characters that share a tokenizer share it."""

    def __post_init__(self) -> None:
        """Raises: UsageError: the character has a text that the context has no room for."""
        refuse_long_persona(self.persona, self.template, self.context)

    def chat_prompt(self, turns: Sequence[Turn], system: SystemPolicy, room: int | None) -> Prompt:
        """The prompt of a conversation; a last turn of the character's is the beginning of its reply.

        Args:
            turns: as the client sent them.
            system: what the client's system prompt does.
            room: tokens that the prompt may have; oldest turns are left out. None: as many as it takes.

        Raises:
            ContextOverflowError: the last exchange alone is longer than `room`.
        """
        text = system_text(self.persona, turns, system)
        spoken = spoken_turns(turns)
        system_turns = [Turn("system", text)] if text is not None else []
        greeted = spoken[:1] == [Turn("assistant", self.persona.greeting or "")]
        with self.encoding:
            return fit(
                [*system_turns, *spoken],
                pinned=len(system_turns) + greeted,
                room=room or sys.maxsize,
                encode=self._encode,
                count=lambda text: len(self.template.text_ids(text)),
            )

    def _encode(self, turns: Sequence[Turn]) -> list[int]:
        if len(turns) > 1 and turns[-1].role == "assistant":
            return [*self.template.prompt_ids(turns[:-1]), *self.template.text_ids(turns[-1].text)]
        return self.template.prompt_ids(turns)

    def text_ids(self, text: str) -> list[int]:
        """Ids of plain text; control tokens in it stay text."""
        with self.encoding:
            return self.template.text_ids(text)


def from_token_engine(engine: TokenEngine, decoder: Any, stop_ids: Sequence[int]) -> GenerateFn:
    """Replies from an engine that gives ids.

    Args:
        engine: gives the ids.
        decoder: a tokenizer that encodes nothing meanwhile (see `SharedTokenizer`).
        stop_ids: ids that end a reply.
    """
    return lambda prompt, settings, seed: stream(engine, decoder, prompt, settings, stop_ids, seed)
