"""What a base model cannot take: texts that are longer than it knows, tokens that it has no embedding for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from offbook.core.config.schema import PersonaConfig, RunConfig
from offbook.core.errors import UsageError
from offbook.core.i18n import marked
from offbook.core.persona import Persona
from offbook.core.progress import fill
from offbook.core.types import Example, Turn
from offbook.generation.context import stated_context
from offbook.tokenization.chat_template import ChatTemplate


def within_context(config: RunConfig, model_config: Any) -> tuple[RunConfig, list[str]]:
    """The config with `data.max_length` inside what the model knows, and a sentence where it was lowered.

    Args:
        config: the run's config.
        model_config: the base model's configuration.
    """
    limit = stated_context(model_config)
    if limit is None or config.data.max_length <= limit:
        return config, []
    data = config.data.model_copy(update={"max_length": limit})
    note = fill(
        "data.max_length is {limit}, not {wanted}: the model knows no longer texts",
        {"limit": limit, "wanted": config.data.max_length},
    )
    return config.model_copy(update={"data": data}), [note]


def refuse_long_persona(persona: PersonaConfig | Persona, template: ChatTemplate, context: int) -> None:
    """See that the model can read what a character's conversations begin with, and a new run's sample prompts.

    Args:
        persona: the character.
        template: of the base model.
        context: tokens that the model knows, or that there is room for.

    Raises:
        UsageError: one of the texts is longer.
    """
    texts = [("system", persona.system), ("greeting", persona.greeting)]
    if isinstance(persona, PersonaConfig):
        texts += [("sample_prompts", prompt) for prompt in persona.sample_prompts]
    for name, text in texts:
        if text and is_longer(text, template, context):
            raise UsageError(
                "persona.{name} has {characters} characters, too many for the model's context of {context} tokens",
                "Shorten it in {file}. Lines to learn from belong into a file of rows (data.source).",
                name=name,
                characters=f"{len(text):,}",
                context=f"{context:,}",
                file="persona.json" if isinstance(persona, Persona) else "run.yaml",
            )


def refuse_long_talk(turns: Sequence[Turn], template: ChatTemplate, context: int) -> None:
    """See that a conversation is no longer than the model's context, in tokens.

    Raises:
        UsageError: it is.
    """
    text = "\n".join(turn.text for turn in turns)
    if is_longer(text, template, context):
        raise UsageError(
            "the message is too long: {characters} characters, and the model holds {context} tokens",
            "Send less at once.",
            characters=f"{len(text):,}",
            context=f"{context:,}",
        )


def is_longer(text: str, template: ChatTemplate, tokens: int) -> bool:
    """Whether a text has more tokens than that. However long it is, it is read only until that is clear."""
    pieces = (text[start : start + PIECE] for start in range(0, len(text), PIECE))
    return any(count > tokens for count in accumulate(len(template.text_ids(piece)) for piece in pieces))


PIECE = 20_000
"""Characters of a long text that are counted at a time."""

BY_LENGTH = ("dynamic", "longrope")
"""`rope_type`s that rotate positions otherwise once a text is longer than those of the model's first training."""


def notes_on_length(examples: Sequence[Example], model_config: Any) -> list[str]:
    """A sentence where texts of two lengths have their positions rotated in two ways, so that they share no row.

    Phi-3 and Phi-4-mini do so beyond 4,096 tokens; a long text among the others would change how those are computed.

    Args:
        examples: the training sequences and held-out ones.
        model_config: the base model's configuration.
    """
    config = model_config.get_text_config()
    rope = getattr(config, "rope_parameters", None) or {}
    first = rope.get("original_max_position_embeddings") or getattr(config, "original_max_position_embeddings", None)
    limit = first or stated_context(config)
    if rope.get("rope_type") not in BY_LENGTH or not limit or all(len(each.ids) <= limit for each in examples):
        return []
    text = marked("the model computes texts of more than {limit} tokens otherwise: examples are computed one by one")
    return [fill(text, {"limit": limit})]


def refuse_unknown_tokens(examples: Sequence[Example], model: Any, tokenizer: Any) -> None:
    """See that the model has an embedding for every token of the examples.

    Raises:
        UsageError: it has fewer rows than the tokenizer has tokens, and one of the others is used.
    """
    rows = model.get_input_embeddings().weight.shape[0]
    beyond = next((token for example in examples for token in example.ids if token >= rows), None)
    if beyond is not None:
        raise UsageError(
            "the tokenizer's token {token} has the id {id}, and the model has embeddings for {rows} tokens alone",
            "Tokenizer and model do not belong together: pull the model again, or take its original.",
            token=tokenizer.convert_ids_to_tokens(beyond),
            id=beyond,
            rows=rows,
        )
