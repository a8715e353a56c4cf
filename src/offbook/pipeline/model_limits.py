"""What a base model cannot take: texts that are longer than it knows, tokens that it has no embedding for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from offbook.core.config.schema import RunConfig
from offbook.core.errors import UsageError
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
