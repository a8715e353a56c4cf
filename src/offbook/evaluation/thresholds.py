"""Bounds that an evaluation must keep: `heldout.difference.loss<0`, `copying.excess<=0.1`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from offbook.core.errors import GateMissed, UsageError
from offbook.evaluation.scorecard import value
from offbook.evaluation.verdict import COPIED, ENDED, KL, LOOPING

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
        """Raises:
        UsageError: that is no bound.
        """
        found = re.fullmatch(r"\s*([\w.]+)\s*(<=|>=|<|>)\s*(\S+)\s*", text)
        try:
            if found is None or not isfinite(limit := float(found[3])):
                raise ValueError
            return cls(found[1], found[2], limit)
        except ValueError:
            raise UsageError(
                f"'{text}' is no bound", "Write it as NAME<=NUMBER, for example: --bound 'forgetting.kl<=0.5'"
            ) from None

    def kept(self, found: float) -> bool:
        return _SIGNS[self.sign](found, self.limit)

    def __str__(self) -> str:
        return f"{self.path}{self.sign}{self.limit:g}"


def check_bounds(card: Mapping[str, Any], bounds: Sequence[Bound]) -> None:
    """Compare a scorecard with bounds.

    Raises:
        UsageError: a bound names nothing in the scorecard.
        GateMissed: one was missed; all of them are named, with what was found.
    """
    missed = []
    for bound in bounds:
        found = value(card, bound.path)
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise UsageError(
                f"the bound {bound} names no number of this evaluation",
                "The names are those of eval.json (a withheld score has none), for example: heldout.tuned.loss",
            )
        if not bound.kept(found):
            missed.append(f"{bound} (it is {found:.4g})")
    if missed:
        raise GateMissed(f"missed: {', '.join(missed)}", "The verdict says what to change.")
