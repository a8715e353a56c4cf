"""What more lines would bring, from the losses after training on a quarter of them, on half, and on all.

A loss falls with every doubling of the lines, by less each time (Hestness et al. 2017, "Deep Learning Scaling is
Predictable, Empirically"). The next doublings are told from the last two that were measured, and from nothing else.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from offbook.core.atomic import atomic_write_json
from offbook.core.text_file import read_text
from offbook.evaluation import confidence
from offbook.evaluation.confidence import Estimate, Floats

SHARES = (0.25, 0.5, 1.0)
"""Of the rows: each is twice as much as the one before it."""


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """The held-out rows' losses after as many updates on fewer of the lines."""

    rows: tuple[int, int, int]
    """Lines that were learned, for each of `SHARES`."""
    losses: tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]
    """For each share the summed loss of every held-out row, in nats."""
    tokens: tuple[int, ...]
    """Scored tokens of every held-out row."""

    @property
    def means(self) -> list[float]:
        """Loss per token for each share, in nats."""
        return [sum(losses) / sum(self.tokens) for losses in self.losses]

    def gain(self, doublings: int) -> Estimate:
        """Nats per token by which the loss would fall if there were 2, 4, … times as many lines."""
        return confidence.statistic([*self.losses, self.tokens], lambda sums: _fall(sums, doublings))

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        atomic_write_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> LearningCurve | None:
        """Read what `save` wrote; None where there is nothing, or nothing that can be read."""
        try:
            content: Any = json.loads(read_text(path))
            return TypeAdapter(cls).validate_python(content)
        except (OSError, ValueError, ValidationError, RecursionError):
            return None


def _fall(sums: Floats, doublings: int) -> Floats:
    """How much the loss falls over the next doublings, from the sums of the three losses and of the tokens."""
    quarter, half, full, tokens = np.moveaxis(sums, -1, 0)
    before, last = (quarter - half) / tokens, (half - full) / tokens
    # What falls by less each time goes on doing so; where that cannot be seen, no more than the last fall is expected.
    ratio = np.clip(np.divide(last, before, out=np.ones_like(last), where=before > 0), 0, 1)
    ratio = np.where(last > 0, ratio, 1)
    return np.asarray(last * sum(ratio**k for k in range(1, doublings + 1)))
