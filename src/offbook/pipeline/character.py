"""A trained character that you can talk to.

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
from offbook.core.progress import Reporter
from offbook.core.registry import lookup
from offbook.core.types import Turn
from offbook.generation.stream import StopReason, TextChunk, TransformersEngine, stream
from offbook.hub import pull
from offbook.models import adapter as adapters
from offbook.models.load import load_model, load_tokenizer
from offbook.pipeline.adapter_source import CharacterSource, resolve_character
from offbook.tokenization.builtin_templates import TEMPLATES
from offbook.tokenization.chat_template import ChatTemplate
from offbook.tokenization.stop_tokens import stop_ids


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply of a character."""

    text: str
    stop_reason: StopReason
    """`stop`: it ended its reply itself; `length`: it was cut off at max_new_tokens."""
    tokens: int
    """Tokens generated, the stop token included."""


class Character:
    """A model, its adapter and its persona; speaks with the prompt that it was trained with.

    Args:
        model: the PEFT model, in evaluation mode.
        template: turns messages into token ids.
        persona: what was stored beside the adapter.
    """

    def __init__(self, model: Any, template: ChatTemplate, persona: Persona) -> None:
        self.model = model
        self.template = template
        self.persona = persona
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
        """Answer with one whole reply.

        Args:
            message: a message to the character, or the conversation so far (its last turn the user's).
            base: let the model without the adapter answer.
            settings: how to sample; default: as the character's run was configured.
            seed: the same seed gives the same reply.

        Raises:
            UsageError: the base is asked for after `merge_adapter`.
        """
        chunks = list(self.stream(message, base=base, settings=settings, seed=seed))
        reason = chunks[-1].stop_reason
        assert reason is not None
        return Reply("".join(chunk.text for chunk in chunks).strip(), reason, chunks[-1].tokens)

    def stream(
        self,
        message: str | Sequence[Turn],
        *,
        base: bool = False,
        settings: GenerationConfig | None = None,
        seed: int | None = None,
    ) -> Iterator[TextChunk]:
        """Answer chunk by chunk, as the text comes; see `reply`."""
        turns = [Turn("user", message)] if isinstance(message, str) else list(message)
        prompt = self.template.prompt_ids(self.with_system(turns))
        engine = self.base_engine if base else self.engine
        if engine is None:
            raise UsageError(
                "the base model is no longer available: the adapter is merged into its weights",
                "Load the character again.",
            )
        settings = settings or self.persona.generation
        return stream(engine, self.template.tokenizer, prompt, settings, self.stop_ids, seed)

    def merge_adapter(self) -> bool:
        """Merge the adapter into the weights if that is exact (in float32).

        Replies then come sooner, and the base model is no longer available.

        Returns:
            Whether it was merged.
        """
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
    """Load the character of a run, or of a bare PEFT adapter folder.

    Args:
        run: a run folder, a run's name, or a PEFT adapter folder.
        base_model: source of the base model; needed where the adapter does not name one, or to override it.
        dtype: number format of the weights, as in `model.dtype` of run.yaml.
        template: a built-in chat template by name, for a bare adapter whose base model has none.
        reporter: is told what is being done.

    Raises:
        UsageError: there is no such run, it is not trained yet, or adapter and base model do not belong together.
    """
    source = resolve_character(run, base_model=base_model, reporter=reporter)
    return open_character(source, dtype=dtype, template=template)


def open_character(source: CharacterSource, *, dtype: str = "auto", template: str | None = None) -> Character:
    """Load the character that was found at `source`; see `load_character`."""
    persona, base = source.persona, source.base_model
    name = template or (persona.template if persona else None)
    tokenizer = load_tokenizer(base.path, lookup(TEMPLATES, name, "chat template") if name else None)
    chat = ChatTemplate(tokenizer, persona.template_kwargs if persona else None)
    model = adapters.load(load_model(base.path, dtype), source.adapter)
    return Character(model.eval(), chat, persona or _default_persona(chat, base))


def _default_persona(template: ChatTemplate, base: pull.LocalModel) -> Persona:
    """A persona for an adapter that was trained with another program: no system prompt, default sampling."""
    return Persona(
        name="assistant",
        stop_token=template.stop_token,
        generation=GenerationConfig(),
        base=BaseModelRef(source=base.source, revision=base.revision, files=base.files),
        template_kwargs=template.kwargs,
    )
