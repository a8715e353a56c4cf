"""Which examples make up which optimizer step: a function of the seed alone."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from offbook.core.types import Example


@dataclass(frozen=True)
class BatchSampler:
    """Sequence of the run's optimizer steps: `sampler[k]` is the list of examples of step k (counted from 0).

    Each epoch sees every conversation once, in an order drawn from (seed, epoch), so that any step can be made without
    the ones before it: a resumed run continues in the middle of an epoch without replaying it.
    """

    examples: Sequence[Example]
    batch_size: int
    """Conversations in a step; the last step of an epoch may have fewer. A conversation is one example, or several
    where the template rewrites history."""
    epochs: float
    """How often each example is seen; a fraction ends in the middle of an epoch."""
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in which every example is seen once."""
        return math.ceil(len(self.conversations) / self.batch_size)

    def __len__(self) -> int:
        # Rounded first: 0.1 × 30 steps is 3, not 4.
        return max(1, math.ceil(round(self.epochs * self.steps_per_epoch, 6)))

    def __getitem__(self, step: int) -> list[Example]:
        if not 0 <= step < len(self):
            raise IndexError(step)
        epoch, place = divmod(step, self.steps_per_epoch)
        order = _shuffled(len(self.conversations), self.seed, epoch)
        chosen = order[place * self.batch_size : (place + 1) * self.batch_size]
        return [example for index in chosen for example in self.conversations[index]]

    @cached_property
    def conversations(self) -> list[list[Example]]:
        """The examples, those of one conversation together: they share their history, so they share a step."""
        groups: list[list[Example]] = []
        for example in self.examples:
            if example.continues and groups:
                groups[-1].append(example)
            else:
                groups.append([example])
        return groups

    def epoch(self, step: int) -> float:
        """How often the examples have been seen after `step` steps."""
        return step / self.steps_per_epoch


@lru_cache(maxsize=2)
def _shuffled(count: int, seed: int, epoch: int) -> list[int]:
    """The order in which an epoch sees the examples. Cached, because every step asks for it."""
    order = list(range(count))
    random.Random(f"{seed}/{epoch}").shuffle(order)
    return order
