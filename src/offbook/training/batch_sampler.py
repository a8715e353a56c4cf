"""Which examples make up which optimizer step: a function of the seed alone."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from offbook.core.types import Example


@dataclass(frozen=True)
class BatchSampler:
    """`plan[k]` is the list of examples of optimizer step k (0-based).

    Each epoch sees every example once, in an order drawn from (seed, epoch), so that any step can be made without
    the ones before it: a resumed run continues in the middle of an epoch without replaying it.
    """

    examples: Sequence[Example]
    batch_size: int
    epochs: float
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(len(self.examples) / self.batch_size)

    def __len__(self) -> int:
        # Rounded first: 0.1 × 30 steps is 3, not 4.
        return max(1, math.ceil(round(self.epochs * self.steps_per_epoch, 6)))

    def __getitem__(self, step: int) -> list[Example]:
        if not 0 <= step < len(self):
            raise IndexError(step)
        epoch, place = divmod(step, self.steps_per_epoch)
        order = _order(len(self.examples), self.seed, epoch)
        return [self.examples[index] for index in order[place * self.batch_size : (place + 1) * self.batch_size]]

    def epoch(self, step: int) -> float:
        """How often the rows have been seen after `step` steps."""
        return step / self.steps_per_epoch


@lru_cache(maxsize=2)
def _order(count: int, seed: int, epoch: int) -> list[int]:
    """The order in which an epoch sees the examples. Kept, because every step asks for it."""
    order = list(range(count))
    random.Random(f"{seed}/{epoch}").shuffle(order)
    return order
