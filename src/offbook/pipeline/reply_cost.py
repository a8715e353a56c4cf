"""What a model's replies take, from a few of them that are begun."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from offbook.core.config.schema import GenerationConfig
from offbook.evaluation.responses import Prompt
from offbook.generation import batch
from offbook.pipeline.setup import TrainingSetup

PROBE_TOKENS = 6
"""Tokens of a trial reply; the first one also pays for reading the prompts."""
FEW = 3
"""Trial replies that grow by themselves first: as many as the usual samples. One alone is computed in another way."""
TRIED = 12
"""Trial replies that grow together: from these and the few, what any number costs."""
LATER = 64
"""Tokens that the trial replies are begun behind, to learn what each one costs that a model already looks back at."""
SIDE_BY_SIDE = 32
"""Replies that an evaluation lets grow at once."""


@dataclass(frozen=True, slots=True)
class ReplyCost:
    """Seconds that replies take."""

    prompt: float
    """Of each prompt to be read."""
    step: float
    """Of each step, for all rows that grow."""
    token: float
    """Of each token, at the beginning of a reply."""
    growth: float
    """More for each token than for the one before it in the reply: there is more to look back at, and to move."""

    def seconds(self, lengths: Sequence[float]) -> float:
        """Seconds for replies of so many tokens, `SIDE_BY_SIDE` at a time."""
        batches = [lengths[start : start + SIDE_BY_SIDE] for start in range(0, len(lengths), SIDE_BY_SIDE)]
        return sum(
            self.prompt * len(rows)
            + self.step * max(rows)
            + sum((self.token + self.growth * length / 2) * length for length in rows)
            for rows in batches
        )


def reply_cost(setup: TrainingSetup, prompts: Sequence[Prompt]) -> ReplyCost:
    """Let the model begin a few replies, several at once, and those later in their course."""
    template = setup.base.template
    ids = [template.prompt_ids(list(turns)) for turns in prompts][:TRIED]
    if not ids:
        return ReplyCost(0.0, 0.0, 0.0, 0.0)
    (_, few), (reading, many) = _step_seconds(setup, ids[:FEW]), _step_seconds(setup, ids)
    before = (ids[0] * (LATER // len(ids[0]) + 1))[:LATER]  # what all begin with is computed once
    _, later = _step_seconds(setup, [[*before, *prompt] for prompt in ids])
    token = max(many - few, 0.0) / max(len(ids) - FEW, 1)
    return ReplyCost(
        prompt=max(reading - many, 0.0) / len(ids),
        step=max(few - min(FEW, len(ids)) * token, 0.0),
        token=token,
        growth=max(later - many, 0.0) / len(ids) / LATER,
    )


def _step_seconds(setup: TrainingSetup, prompts: Sequence[list[int]]) -> tuple[float, float]:
    """Seconds until each of the replies has its first token, and in which each then usually grows by one.

    One step that had to wait for something else must not count: the replies have hundreds of steps.
    """
    moments = [time.perf_counter()]
    batch.generate(
        setup.model,
        setup.base.tokenizer,
        list(prompts),
        GenerationConfig(max_new_tokens=1 + PROBE_TOKENS),
        [],
        progress=lambda _done, _total: moments.append(time.perf_counter()),
    )
    return moments[1] - moments[0], statistics.median(after - before for before, after in pairwise(moments[1:]))
