"""What a metric is: a section of the scorecard, the function that computes it, and the numbers to report from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from offbook.evaluation.responses import ModelOutputs
from offbook.evaluation.sides import Side

S = TypeVar("S")
"""The dataclass of a metric's section in eval.json."""

Weighted = tuple[float, float]
"""A sum, and over how many things (tokens, words) it was taken."""

Table = Literal["rows", "replies", "general"]
"""Which list of the scorecard the items behind a number belong to."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a reported number is called, and a sentence or two on what it means: in English, as catalogues know them."""

    title: str
    meaning: str


@dataclass(frozen=True, slots=True)
class ReportedMetric(Generic[S]):
    """One number of a section, as the page shows it and `runs compare` compares it."""

    name: str
    """Where the tuned model's value stands in eval.json, dotted: `heldout.tuned.loss`."""
    section: type[S]
    value: Callable[[S, Side], float | None]
    """The number for a side; None where there is none."""
    items: Callable[[S, Side], Sequence[Weighted | None]]
    """Each item's part of a model's value, in the order of the table; None for an item without one."""
    table: Table
    better: Literal["higher", "lower"]
    unit: Literal["number", "percent"]
    words: Words
    yes_or_no: bool = False
    """Whether each item counts as a hit or not."""
    same_weights: bool = False
    """Whether two runs can be compared only if their items weigh the same: losses per token need one tokenizer."""
    comparable: Callable[[S, S], bool] = lambda *_: True
    """Whether the values of two runs' sections are on one scale."""


@dataclass(frozen=True, slots=True)
class Metric(Generic[S]):
    """A section of the scorecard."""

    name: str
    """Its key in eval.json."""
    section: type[S]
    measure: Callable[[ModelOutputs], S]
    reported: Sequence[ReportedMetric[S]]
