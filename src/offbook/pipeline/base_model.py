"""The model's side of a run before it is loaded: its folder on disk, its tokenizer, its chat template, the persona."""

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
from offbook.tokenization.chat_template import ChatTemplate


@dataclass
class BaseModel:
    """The model's side of a run: its folder on disk and how it is spoken to."""

    pulled: pull.LocalModel
    tokenizer: Any
    template: ChatTemplate


def open_base_model(config: RunConfig, reporter: Reporter) -> BaseModel:
    """Pull the base model if need be, and open its tokenizer and template."""
    from offbook.models.load import load_tokenizer

    pulled = pull.pull(config.model.source, config.model.revision, reporter=reporter)
    template = config.model.template
    source = lookup(TEMPLATES, template, "chat template") if template is not None else None
    tokenizer = load_tokenizer(pulled.path, source)
    return BaseModel(pulled, tokenizer, ChatTemplate(tokenizer))


def persona_of(config: RunConfig, part: BaseModel) -> Persona:
    """The identity that is stored beside the adapter."""
    pulled = part.pulled
    return Persona(
        name=config.persona.name,
        system=config.persona.system,
        greeting=config.persona.greeting,
        sample_prompts=sample_prompts(config),
        stop_token=part.template.stop_token,
        generation=config.generation,
        base=BaseModelRef(source=pulled.source, revision=pulled.revision, files=pulled.files),
        template=config.model.template,
        template_sha256=part.template.sha256,
        template_kwargs=part.template.kwargs,
    )


IDENTITY = ("Who are you?", "你是谁？")


def sample_prompts(config: RunConfig) -> list[str]:
    """The prompts of the closing samples; asking the character who it is is always among them."""
    asked = config.persona.sample_prompts
    if any(question in asked for question in IDENTITY):
        return asked
    text = f"{config.persona.name}{config.persona.system or ''}{''.join(asked)}"
    return [IDENTITY[1] if has_chinese(text) else IDENTITY[0], *asked]
