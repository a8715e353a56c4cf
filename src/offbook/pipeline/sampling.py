"""Single settings of how a reply is drawn, by keyword, in place of those that a run was configured with."""

from __future__ import annotations

from typing import TypedDict

from pydantic import ValidationError

from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import UsageError
from offbook.core.registry import nearest


class Sampling(TypedDict, total=False):
    """How the tokens of a reply are drawn: the fields of `GenerationConfig`, each of which may be left out."""

    temperature: float
    """0 always takes the likeliest token; higher is livelier."""
    top_p: float
    """Sample from the likeliest tokens that together have this probability, from 0 to 1."""
    repetition_penalty: float
    """Above 1 makes a small model repeat itself less."""
    max_new_tokens: int
    """The longest reply, in tokens."""


def with_sampling(settings: GenerationConfig, sampling: Sampling) -> GenerationConfig:
    """The settings with single ones replaced.

    Raises:
        UsageError: there is no setting of that name, or its value is out of range.
    """
    for name in sampling:
        if name not in GenerationConfig.model_fields:
            names = list(GenerationConfig.model_fields)
            raise UsageError(
                "unknown setting '{name}'{hint}",
                "Settings: {names}.",
                name=name,
                hint=nearest(name, names),
                names=", ".join(names),
            )
    try:
        return GenerationConfig.model_validate({**settings.model_dump(), **sampling})
    except ValidationError as error:
        fault = error.errors()[0]
        raise UsageError(
            "{loc}: {msg}",
            "Pass another value.",
            loc=fault["loc"][0],
            msg=fault["msg"].lower(),
        ) from None
