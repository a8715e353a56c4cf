"""Bounds that an evaluation must keep: `heldout.difference.loss<0`, `copying.excess<=0.1`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite

from offbook.core.errors import GateMissed, UsageError
from offbook.evaluation.conditions import COPIED, ENDED, KL, LOOPING
from offbook.evaluation.scorecard import Scorecard, number_at

DEFAULT_BOUNDS = (
    "heldout.difference.interval.1<0",
    f"copying.excess<={COPIED}",
    f"forgetting.kl<={KL}",
    f"stops.tuned.share>={ENDED}",
    f"stops.tuned.loops<={LOOPING}",
    "stops.tuned.empty<=0",
)
"""What `--gate` asks for: the bounds of the verdict's own rules."""

_SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


@dataclass(frozen=True, slots=True)
class Bound:
    """`path` `sign` `limit`, as in `forgetting.kl<=0.5`."""

    path: str
    sign: str
    limit: float

    @classmethod
    def parse(cls, text: str) -> Bound:
        """Read a bound from text.

        Raises:
            UsageError: that is no bound.
        """
        match = re.fullmatch(r"\s*([\w.]+)\s*(<=|>=|<|>)\s*(\S+)\s*", text)
        try:
            if match is None or not isfinite(limit := float(match[3])):
                raise ValueError
            return cls(match[1], match[2], limit)
        except ValueError:
            raise UsageError(
                "'{text}' is not a bound",
                "Write it as NAME<=NUMBER, for example: --bound 'forgetting.kl<=0.5'",
                text=text,
            ) from None

    def is_met(self, number: float) -> bool:
        """Whether a number keeps it."""
        return _SIGNS[self.sign](number, self.limit)

    def __str__(self) -> str:
        return f"{self.path}{self.sign}{self.limit:g}"


def check_bounds(card: Scorecard, bounds: Sequence[Bound]) -> None:
    """Compare a scorecard with bounds, whose names are dotted paths of eval.json.

    Raises:
        UsageError: a bound names nothing in the scorecard.
        GateMissed: one was missed; all of them are named, with what was found.
    """
    tree = card.to_json()
    missed = []
    for bound in bounds:
        number = number_at(tree, bound.path)
        if number is None:
            raise UsageError(
                "the bound {bound} does not name a number of this evaluation",
                "The names are those of eval.json (a withheld score has none), for example: heldout.tuned.loss",
                bound=bound,
            )
        if not bound.is_met(number):
            missed.append(f"{bound} (it is {number:.4g})")
    if missed:
        raise GateMissed(
            "missed: {missed}",
            "The verdict says what to change.",
            missed=", ".join(missed),
        )
