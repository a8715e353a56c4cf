"""General rows beside the character's, against forgetting: which ones, and how many."""

from __future__ import annotations

from collections.abc import Sequence

from offbook.core.types import Conversation
from offbook.data.seeded_hash import stable_uniform


def choose(general: Sequence[Conversation], count: int, share: float, seed: int) -> list[Conversation]:
    """So many of the general conversations that they make up `share` of the training rows, or all if too few.

    Args:
        count: how many rows of the character's they stand beside.
        share: between 0 and 1: chosen / (chosen + count).

    Which ones depends on `seed` and their texts, never on their order; they keep the order of their file.
    They are meant to be trained without the persona's system prompt: given no part, the model stays itself.
    """
    count = min(len(general), round(count * share / (1 - share)))
    ranked = sorted(
        range(len(general)),
        key=lambda index: stable_uniform(seed, str([(turn.role, turn.text) for turn in general[index].turns])),
    )
    return [general[index] for index in sorted(ranked[:count])]
