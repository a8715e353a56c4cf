"""The models that an evaluation sets side by side."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class Side(StrEnum):
    """Whose value a number is; the names are the keys of eval.json."""

    BASE = "base"
    """The base model."""
    TUNED = "tuned"
    """The same model with its adapter."""
    REFERENCE = "reference"
    """The character's own held-out lines: what can be expected of a model that plays it perfectly."""


MODELS = (Side.BASE, Side.TUNED)


@dataclass(frozen=True, slots=True)
class Paired(Generic[T]):
    """One value for each model.

    A subclass repeats the two fields with their own type: that is what eval.json is read back by.
    """

    base: T
    tuned: T

    def of(self, side: Side) -> T:
        """The value of a model.

        Raises:
            KeyError: `side` is no model.
        """
        return {Side.BASE: self.base, Side.TUNED: self.tuned}[side]
