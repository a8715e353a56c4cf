"""What a sweep tries: `--over KEY=VALUES` as a distribution of Optuna's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offbook.core.config.loading import load, parse
from offbook.core.config.schema import options
from offbook.core.errors import UsageError
from offbook.core.registry import lookup

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

WIDE = 10
"""A range whose ends are this far apart, as a quotient, is searched on a logarithmic scale."""


def search_space(texts: Sequence[str]) -> dict[str, BaseDistribution]:
    """Option → what is tried for it.

    Args:
        texts: `train.learning_rate=1e-4..4e-3` (a range; whole numbers stay whole) or `lora.rank=4,8,16` (a choice).

    Raises:
        UsageError: an option is unknown, or there are no values.
    """
    space: dict[str, BaseDistribution] = {}
    for text in texts:
        name, sign, values = text.partition("=")
        if not sign or not values.strip():
            raise UsageError(
                "--over {text}: no values", "Write KEY=LOW..HIGH or KEY=A,B,C, as in lora.rank=4,8,16.", text=text
            )
        lookup(dict(options()), name.strip(), "option")
        space[name.strip()] = _distribution(text, values)
    return space


def refuse_bad_values(config: Path, space: Mapping[str, BaseDistribution]) -> None:
    """See that each value of a choice, and both ends of each range, is one that the option can have.

    Raises:
        UsageError: one is not.
    """
    from optuna.distributions import CategoricalDistribution

    for name, tried in space.items():
        values = tried.choices if isinstance(tried, CategoricalDistribution) else (tried.low, tried.high)  # type: ignore[attr-defined]
        for value in values:
            load(config, {name: value})


def _distribution(text: str, values: str) -> BaseDistribution:
    from optuna import distributions

    if ".." not in values:
        return distributions.CategoricalDistribution([parse(value.strip()) for value in values.split(",")])
    bounds = [_number(end) for end in values.split("..", 1)]
    low, high = bounds
    if low is None or high is None or not low < high:
        raise UsageError(
            "--over {text}: {values} is no range",
            "Write LOW..HIGH, two numbers, the smaller first.",
            text=text,
            values=values,
        )
    log = low > 0 and high / low >= WIDE
    if isinstance(low, int) and isinstance(high, int):
        return distributions.IntDistribution(low, high, log=log)
    return distributions.FloatDistribution(float(low), float(high), log=log)


def _number(text: str) -> int | float | None:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None


def suggest(trial: Any, space: dict[str, BaseDistribution]) -> dict[str, Any]:
    """The trial's values, drawn where it has none yet."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    values = {}
    for name, tried in space.items():
        if isinstance(tried, CategoricalDistribution):
            values[name] = trial.suggest_categorical(name, tried.choices)
        else:
            draw = trial.suggest_int if isinstance(tried, IntDistribution) else trial.suggest_float
            values[name] = draw(name, tried.low, tried.high, log=tried.log)  # type: ignore[attr-defined]
    return values
