"""What a base model cannot take: texts that are longer than it knows, tokens that it has no embedding for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from offbook.core.config.schema import RunConfig
from offbook.core.errors import UsageError
from offbook.core.i18n import marked
from offbook.core.progress import fill
from offbook.core.types import Example
from offbook.generation.context import stated_context


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
