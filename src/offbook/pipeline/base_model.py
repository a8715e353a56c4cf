"""The base model of a run before its weights are loaded: its folder, its tokenizer, its chat template, the persona."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from offbook.core.config.schema import RunConfig
from offbook.core.persona import BaseModelRef, Persona
from offbook.core.progress import Reporter
from offbook.core.registry import lookup
from offbook.core.text import has_chinese
from offbook.hub import pull
from offbook.tokenization.builtin_templates import TEMPLATES
from offbook.tokenization.chat_template import ChatTemplate, default_kwargs

IDENTITY = ("Who are you?", "你是谁？")
"""The question who it is, which every character is asked: in English, and in Chinese."""


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A base model on this computer and how a conversation becomes token ids for it; no weights are loaded."""

    local: pull.LocalModel
    tokenizer: Any
    template: ChatTemplate


def open_base_model(config: RunConfig, reporter: Reporter) -> BaseModel:
    """Download the base model if it is not here yet, and open its tokenizer and chat template.

    Raises:
        UsageError: there is no such model or template, or it has no safetensors weights.
        OffbookError: the download failed.
    """
    from offbook.models.load import load_tokenizer

    local = pull.pull(config.model.source, config.model.revision, reporter=reporter)
    name = config.model.template
    template = lookup(TEMPLATES, name, "chat template") if name is not None else None
    tokenizer = load_tokenizer(local.path, template)
    arguments = default_kwargs(tokenizer, config.model.date)
    return BaseModel(local, tokenizer, ChatTemplate(tokenizer, arguments))


def persona_of(config: RunConfig, base: BaseModel) -> Persona:
    """The identity that is stored beside the adapter."""
    local = base.local
    return Persona(
        name=config.persona.name,
        system=config.persona.system,
        greeting=config.persona.greeting,
        sample_prompts=sample_prompts(config),
        stop_token=base.template.stop_token,
        generation=config.generation,
        base=BaseModelRef(source=local.source, revision=local.revision, files=local.files),
        template=config.model.template,
        template_sha256=base.template.sha256,
        template_kwargs=base.template.kwargs,
    )


def sample_prompts(config: RunConfig) -> list[str]:
    """The prompts of the samples; asking the character who it is is always among them."""
    prompts = config.persona.sample_prompts
    if any(question in prompts for question in IDENTITY):
        return prompts
    text = f"{config.persona.name}{config.persona.system or ''}{''.join(prompts)}"
    return [IDENTITY[1] if has_chinese(text) else IDENTITY[0], *prompts]
