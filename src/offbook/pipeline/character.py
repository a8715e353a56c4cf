"""A trained character you can talk to.

character = offbook.load("runs/hamlet")
print(character.reply("Who are you?").text)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import UsageError
from offbook.core.persona import BaseModelRef, Persona, add_system
from offbook.core.progress import NullReporter, Reporter
from offbook.core.registry import lookup
from offbook.core.types import Turn
from offbook.generation.stream import StopReason, TextChunk, TransformersEngine, stream
from offbook.hub import pull
from offbook.models import adapter as adapters
from offbook.models.load import load_model, load_tokenizer
from offbook.pipeline.adapter_source import adapter_folder, pull_base
from offbook.tokenization.builtin_templates import TEMPLATES
from offbook.tokenization.chat_template import ChatTemplate
from offbook.tokenization.stop_tokens import stop_ids


@dataclass(frozen=True, slots=True)
class Reply:
    """What the character said."""

    text: str
    stop_reason: StopReason
    """`stop`: it ended its reply itself; `length`: it was cut at max_new_tokens."""
    tokens: int


class Character:
    """A model, its adapter and its persona; speaks with the prompt that it was trained with.

    Args:
        model: the PEFT model.
        template: how turns become ids.
        persona: what was stored beside the adapter.
        pulled: the base model where it was found; it may lie elsewhere than `persona.base` says.
    """

    def __init__(self, model: Any, template: ChatTemplate, persona: Persona, pulled: pull.LocalModel) -> None:
        self.model = model
        self.template = template
        self.persona = persona
        self.pulled = pulled
        self.engine = TransformersEngine(model)
        self.base_engine: TransformersEngine | None = TransformersEngine(model, use_adapter=False)
        self.stop_ids = stop_ids(persona.stop_token, model.generation_config.eos_token_id)

    def reply(
        self,
        message: str | Sequence[Turn],
        *,
        base: bool = False,
        settings: GenerationConfig | None = None,
        seed: int | None = None,
    ) -> Reply:
        """One whole reply.

        Args:
            message: what is said to the character, or the conversation so far (its last turn the user's).
            base: let the model without the adapter answer.
            settings: sampling; default: the character's own.
            seed: the same seed gives the same reply.

        Raises:
            UsageError: the base is asked for after `settle`.
        """
        pieces = list(self.stream(message, base=base, settings=settings, seed=seed))
        reason = pieces[-1].stop_reason
        assert reason is not None
        return Reply("".join(piece.text for piece in pieces).strip(), reason, pieces[-1].tokens)

    def stream(
        self,
        message: str | Sequence[Turn],
        *,
        base: bool = False,
        settings: GenerationConfig | None = None,
        seed: int | None = None,
    ) -> Iterator[TextChunk]:
        """The reply piece by piece; see `reply`."""
        turns = [Turn("user", message)] if isinstance(message, str) else list(message)
        prompt = self.template.prompt_ids(self.with_system(turns))
        engine = self.base_engine if base else self.engine
        if engine is None:
            raise UsageError(
                "the base model cannot be asked any more: the adapter is in the weights",
                "Load the character again.",
            )
        chosen = settings or self.persona.generation
        return stream(engine, self.template.tokenizer, prompt, chosen, self.stop_ids, seed)

    def settle(self) -> bool:
        """Fold the adapter into the weights where that is exact, in float32: replies come sooner, and the base model
        cannot be asked any more. Whether it was done."""
        if self.model.dtype != torch.float32:
            return False
        self.model = adapters.merge(self.model)
        self.engine = TransformersEngine(self.model)
        self.base_engine = None
        return True

    def with_system(self, turns: Sequence[Turn]) -> list[Turn]:
        """The turns under the persona's system prompt, unless they bring one."""
        return list(add_system(turns, self.persona.system))


def load_character(
    run: str | Path,
    *,
    base_model: str | None = None,
    dtype: str = "auto",
    template: str | None = None,
    reporter: Reporter | None = None,
) -> Character:
    """The character of a run (its folder or name), or of a bare PEFT adapter folder.

    Args:
        base_model: source of the base model; needed where the adapter does not say, or to override what it says.
        template: a built-in chat template by name, for a bare adapter whose base brings none.

    Raises:
        UsageError: there is no such run, it is not trained yet, or adapter and base do not belong together.
    """
    folder = adapter_folder(run)
    persona = Persona.load(folder)
    pulled = pull_base(persona, folder, base_model, reporter or NullReporter())
    name = template or (persona.template if persona else None)
    tokenizer = load_tokenizer(pulled.path, lookup(TEMPLATES, name, "chat template") if name else None)
    chat = ChatTemplate(tokenizer, persona.template_kwargs if persona else None)
    model = adapters.load(load_model(pulled.path, dtype), folder)
    return Character(model.eval(), chat, persona or _nameless(chat, pulled), pulled)


def _nameless(template: ChatTemplate, pulled: pull.LocalModel) -> Persona:
    """A persona for an adapter that was trained elsewhere: no prompt, default sampling."""
    return Persona(
        name="assistant",
        stop_token=template.stop_token,
        generation=GenerationConfig(),
        base=BaseModelRef(source=pulled.source, revision=pulled.revision, files=pulled.files),
        template_kwargs=template.kwargs,
    )
