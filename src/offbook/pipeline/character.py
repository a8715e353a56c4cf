"""A trained character that you can talk to.

character = offbook.load("runs/hamlet")
print(character.reply("Who are you?", temperature=0.5).text)
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Unpack

import torch
from safetensors import SafetensorError

from offbook.core.config.schema import GenerationConfig, Storage
from offbook.core.errors import UsageError
from offbook.core.i18n import marked
from offbook.core.notebook import card
from offbook.core.persona import BaseModelRef, Persona, add_system
from offbook.core.registry import lookup
from offbook.core.types import Turn
from offbook.generation.adapter_bank import NotPlainError
from offbook.generation.context import longest_context
from offbook.generation.merged_adapter import merge_plain
from offbook.generation.stream import TransformersEngine, stream
from offbook.generation.text_chunk import StopReason, TextChunk
from offbook.hub import pull
from offbook.models.adapter_files import read_lora_config
from offbook.models.load import has_chat_template, load_config, load_model, load_tokenizer
from offbook.models.storage import is_stored
from offbook.pipeline.adapter_source import CharacterSource
from offbook.pipeline.messages import Message, to_turns
from offbook.pipeline.model_limits import refuse_long_persona, refuse_long_talk
from offbook.pipeline.sampling import Sampling, with_sampling
from offbook.tokenization.builtin_templates import TEMPLATES
from offbook.tokenization.chat_template import ChatTemplate
from offbook.tokenization.stop_tokens import check_ending, stop_ids


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply of a character."""

    text: str
    stop_reason: StopReason
    """`stop`: it ended its reply itself; `length`: it was cut off at max_new_tokens."""
    tokens: int
    """Tokens generated, the stop token included."""

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        """The reply as a notebook shows it."""
        suffix = "" if self.stop_reason == "stop" else ", cut off"
        return card(f"{self.tokens} tokens{suffix}", text=self.text)


class Character:
    """A model, its adapter and its persona; speaks with the prompt that it was trained with.

    Args:
        model: the PEFT model, in evaluation mode, or one with the adapter merged.
        template: turns messages into token ids.
        persona: what was stored beside the adapter.
    """

    def __init__(self, model: Any, template: ChatTemplate, persona: Persona) -> None:
        self.model = model
        self.template = template
        self.persona = persona
        self.engine = TransformersEngine(model)
        is_merged = not hasattr(model, "disable_adapter")
        self.base_engine = None if is_merged else TransformersEngine(model, use_adapter=False)
        self.stop_ids = stop_ids(persona.stop_token, model.generation_config.eos_token_id)
        self._async_turn = threading.RLock()

    def reply(
        self,
        message: str | Message | Sequence[Message],
        *,
        base: bool = False,
        settings: GenerationConfig | None = None,
        seed: int | None = None,
        **sampling: Unpack[Sampling],
    ) -> Reply:
        """Answer with one whole reply.

        Args:
            message: a message to the character, or the conversation so far as turns or as dicts with `role` and
                `content` (the last one the user's). Without a system message the character's own comes first.
            base: let the model without the adapter answer.
            settings: how to sample; default: as the character's run was configured.
            seed: the same seed gives the same reply; None draws afresh.
            **sampling: single settings by keyword, in place of those in `settings`.

        Raises:
            UsageError: a message or a setting is at fault, or the base is asked for after `merge_adapter`.
        """
        chunks = list(self.stream(message, base=base, settings=settings, seed=seed, **sampling))
        reason = chunks[-1].stop_reason
        assert reason is not None
        return Reply("".join(chunk.text for chunk in chunks).strip(), reason, chunks[-1].tokens)

    def stream(
        self,
        message: str | Message | Sequence[Message],
        *,
        base: bool = False,
        settings: GenerationConfig | None = None,
        seed: int | None = None,
        **sampling: Unpack[Sampling],
    ) -> Iterator[TextChunk]:
        """Answer chunk by chunk, as the text comes; see `reply`. One stream at a time: the next begins its own."""
        chosen = with_sampling(settings or self.persona.generation, sampling)
        turns = self.with_system(to_turns(message))
        refuse_long_talk(turns, self.template, longest_context(self.model.config))
        prompt = self.template.prompt_ids(turns)
        engine = self.base_engine if base else self.engine
        if engine is None:
            raise UsageError(
                "the base model is no longer available: the adapter is merged into its weights",
                "Load the character again.",
            )
        return stream(engine, self.template.tokenizer, prompt, chosen, self.stop_ids, seed)

    async def astream(
        self,
        message: str | Message | Sequence[Message],
        *,
        base: bool = False,
        settings: GenerationConfig | None = None,
        seed: int | None = None,
        **sampling: Unpack[Sampling],
    ) -> AsyncGenerator[TextChunk, None]:
        """Answer chunk by chunk without blocking the event loop; see `reply`.

        The model works in a thread. Several streams of one character take turns, a whole reply each. Leaving the loop
        over the chunks, or cancelling the task, ends the reply after the token that is being computed.
        """
        chunks = self.stream(message, base=base, settings=settings, seed=seed, **sampling)
        loop = asyncio.get_running_loop()
        worker = ThreadPoolExecutor(1, "offbook-reply")
        try:
            await loop.run_in_executor(worker, self._async_turn.acquire)
            while (chunk := await loop.run_in_executor(worker, next, chunks, None)) is not None:
                yield chunk
        finally:
            # Queued behind what the worker is at. Where a cancelled task never got the lock, the release fails unheard:
            # only the thread that took an RLock can give it back.
            worker.submit(self._async_turn.release)
            worker.shutdown(wait=False)

    def merge_adapter(self) -> bool:
        """Merge the adapter into the weights if that is exact (in float32) and the model has a place for all of it.

        Replies then come sooner, and the base model is no longer available.

        Returns:
            Whether it is merged.
        """
        if self.base_engine is None:
            return True
        from offbook.models.merging import can_merge, merge

        if not (_merges_exactly(self.model) and can_merge(self.model)):
            return False
        self.model = merge(self.model)
        self.engine = TransformersEngine(self.model)
        self.base_engine = None
        return True

    def _repr_html_(self) -> str:
        """The character as a notebook shows it."""
        persona = self.persona
        rows = [("base model", persona.base.source), ("stop token", persona.stop_token.token)]
        return card(persona.name, rows, persona.system or "")

    def with_system(self, turns: Sequence[Turn]) -> list[Turn]:
        """The turns under the persona's system prompt, unless they bring one."""
        return list(add_system(turns, self.persona.system))


def open_character(
    source: CharacterSource,
    *,
    dtype: str = "auto",
    storage: Storage = "full",
    template: str | None = None,
    merge: bool = False,
) -> Character:
    """Load a character.

    Args:
        source: where its adapter, its persona and its base model are.
        dtype: number format of the model, as in `model.dtype` of run.yaml.
        storage: how its weights are kept, as in `model.storage` of run.yaml.
        template: a built-in chat template by name, for a bare adapter whose base model has none.
        merge: fold the adapter into the weights if that is exact, as `Character.merge_adapter` does, only sooner.

    Raises:
        UsageError: adapter and base model do not belong together, or there is no such template.
    """
    chat, persona = open_voice(source, template=template)
    path = source.base_model.path
    source.reporter.stage("Loading {source}", source=source.name)
    model: Any = load_model(path, dtype, storage, progress=partial(source.reporter.progress, unit="tensor"))
    if not (merge and _merges_exactly(model) and _merge_without_peft(model, source)):
        from offbook.models import adapter as adapters  # peft takes a third of a second to import

        model = adapters.load(model, source.adapter)
    character = Character(model.eval(), chat, persona)
    if merge:
        character.merge_adapter()
    return character


def _merges_exactly(model: Any) -> bool:
    """Whether an adapter in the model's weights changes nothing but the last digits."""
    return model.dtype == torch.float32 and not is_stored(model)


def _merge_without_peft(model: Any, source: CharacterSource) -> bool:
    """Merge an adapter that is plain LoRA; False for one that only peft can open, or that does not fit."""
    read_lora_config(source.adapter)
    try:
        merge_plain(model, source.adapter)
    except (NotPlainError, OSError, ValueError, SafetensorError):
        return False  # peft's way says what is wrong
    return True


def open_voice(source: CharacterSource, *, template: str | None = None) -> tuple[ChatTemplate, Persona]:
    """What a character needs besides a model: its chat template with its tokenizer, and its persona.

    Args:
        source: where its adapter, its persona and its base model are.
        template: a built-in chat template by name, for a bare adapter whose base model has none.

    Raises:
        UsageError: there is no such template, no tokenizer, or it does not know the token that ends a reply.
    """
    persona, base = source.persona, source.base_model
    name = template or (persona.template if persona else None)
    # An adapter of another program may bring the template and the tokens that it was trained with.
    brings_own = persona is None and template is None and (source.adapter / "tokenizer_config.json").is_file()
    written = lookup(TEMPLATES, name, "chat template") if name else None
    if brings_own and not has_chat_template(source.adapter):
        written = load_tokenizer(base.path).chat_template
    tokenizer = load_tokenizer(source.adapter if brings_own else base.path, written)
    if brings_own:
        source.reporter.info(_OWN_TOKENIZER if written else _OWN_TEMPLATE)
    chat = ChatTemplate(tokenizer, persona.template_kwargs if persona else None)
    if persona is not None and persona.template_sha256 not in ("", chat.sha256):
        source.reporter.warning(
            "the base model's chat template is not the one that {name} was trained with, so its prompts are others",
            name=persona.name,
        )
    if persona is not None:
        check_ending(tokenizer, persona.stop_token, source.adapter)
        refuse_long_persona(persona, chat, longest_context(load_config(base.path)))
    return chat, persona or _default_persona(chat, base)


_OWN_TEMPLATE = marked("the adapter's own tokenizer and chat template are used, not its base model's")
_OWN_TOKENIZER = marked("the adapter's own tokenizer is used, with its base model's chat template")


def _default_persona(template: ChatTemplate, base: pull.LocalModel) -> Persona:
    """A persona for an adapter that was trained with another program: no system prompt, default sampling."""
    return Persona(
        name="assistant",
        stop_token=template.stop_token,
        generation=GenerationConfig(),
        base=BaseModelRef(source=base.source, revision=base.revision, files=base.files),
        template_kwargs=template.kwargs,
    )
