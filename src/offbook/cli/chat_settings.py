"""How replies in a chat are sampled, changed one by one."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from offbook.core.config.loading import parse
from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import UsageError

SEED = "seed"
"""Not a setting of the run: it belongs to the chat."""


def parse_seed(value: str) -> int | None:
    """A seed as it was typed; None for `random`.

    Raises:
        UsageError: it is neither a whole number below 2**32 nor `random`.
    """
    if value == "random":
        return None
    if value.isdecimal() and int(value) < 2**32:
        return int(value)
    raise UsageError(
        "seed is {value}: it should be a whole number, or random",
        value=value,
    )


def changed(settings: GenerationConfig, name: str, value: str) -> GenerationConfig:
    """The settings with one of them changed, as it was typed.

    Raises:
        UsageError: there is no such setting, or the value is invalid.
    """
    values: dict[str, Any] = settings.model_dump()
    if name not in values:
        raise UsageError(
            "there is no setting {name}",
            "There are: {names}.",
            name=name,
            names=", ".join([*values, SEED]),
        )
    try:
        return GenerationConfig.model_validate({**values, name: parse(value)})
    except ValidationError as error:
        raise UsageError(
            "{name} is {value}: it should {msg}",
            name=name,
            value=value,
            msg=error.errors()[0]["msg"].partition("should ")[2],
        ) from None
