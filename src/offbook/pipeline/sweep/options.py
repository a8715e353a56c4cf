"""What a sweep is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SweepOptions:
    """What a sweep tries, and what it is after."""

    over: Sequence[str]
    """As on the command line: KEY=LOW..HIGH or KEY=A,B,C."""
    trials: int = 20
    seed: int = 0
    """Of the choice of values; every trial trains with the config's own seed."""
    name: str | None = None
    """Default: the config's name."""
    storage: str | None = None
    """Address of a database; default: a journal in the sweep's folder."""
    prune: bool = True
    pareto: bool = False
    max_forgetting: float | None = None
    """The largest KL divergence from the base model on everyday prompts, in nats a token, of a trial to use."""
    max_copying: float | None = None
    """The largest share of replies that are copied, of a trial to use."""
