"""How long a run will take to its end, part by part: loading, training, samples, verdict.

Some training and some replies are done before the first step; their speed is multiplied by what is to come.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from offbook.core.config.schema import GenerationConfig, RunConfig
from offbook.core.types import Turn
from offbook.evaluation.responses import general_prompts, sample
from offbook.generation import batch
from offbook.pipeline.character import Character
from offbook.pipeline.evaluating import BaseAndTuned
from offbook.pipeline.setup import TrainingSetup
from offbook.training import estimate, fast_path
from offbook.training.heldout_monitor import SAMPLE_TOKENS
from offbook.training.packing import StepBatch

PROBE_TOKENS = 6
"""Tokens of a trial reply; the first one also pays for reading the prompts."""
SIDE_BY_SIDE = 32
"""Replies that an evaluation lets grow at once."""
FORWARD_SHARE = 0.5
"""A forward pass beside a forward and backward one: the frozen weights get no gradient."""
JUDGES_SECONDS = 3.0
"""Importing scikit-learn and training the judges of fidelity."""
SLACK = 1.5
"""Upper end of the range: other programs want the machine, too, and a laptop that gets warm slows down."""


@dataclass(frozen=True, slots=True)
class ReplySpeed:
    """Seconds that replies take: of each step for all rows that grow, and of each token of each row."""

    step: float
    token: float

    def seconds(self, tokens: Sequence[float]) -> float:
        """Seconds for replies of so many tokens, `SIDE_BY_SIDE` at a time."""
        batches = [tokens[start : start + SIDE_BY_SIDE] for start in range(0, len(tokens), SIDE_BY_SIDE)]
        return sum(self.step * max(rows) + self.token * sum(rows) for rows in batches)


def estimate_run(setup: TrainingSetup, steps: Sequence[StepBatch]) -> dict[str, Any]:
    """The time and the memory of a run, as `check` reports them.

    Args:
        setup: the run before its first step; its model is left as it was.
        steps: a sample of its optimizer steps.

    Returns:
        `seconds`: the likeliest time from the start of the command to the verdict. `low`, `high`: its range. `parts`:
        seconds of `loading` (measured), `training`, `samples` and `verdict`. `peak_bytes`: the most memory held.
    """
    config, dataset = setup.config, setup.dataset
    training = estimate.measure(setup.model, steps, total_steps=len(setup.sampler))
    evaluations = _evaluations(config, len(setup.sampler)) if dataset.heldout_examples else 0
    tokens = sum(batch.tokens for batch in steps) / len(steps) * len(setup.sampler)
    forward = FORWARD_SHARE * training.seconds / tokens  # seconds a token
    heldout_tokens = sum(len(example.ids) for example in dataset.heldout_examples)
    judges = config.evaluate.prompts > 0 and bool(dataset.heldout)
    with fast_path.fast_path_disabled(setup.model):
        speed = _reply_speed(setup)
        scoring = _scoring_seconds(setup) if judges else 0.0
    prompts = len(setup.persona.sample_prompts)
    short = float(min(SAMPLE_TOKENS, config.generation.max_new_tokens))
    parts = {
        "loading": setup.seconds,
        "training": training.seconds + evaluations * heldout_tokens * forward,
        "samples": (evaluations + 2) * speed.seconds([short] * prompts),
        "verdict": 0.0,
    }
    if judges:
        parts["verdict"] = scoring + _answering(setup, speed) + JUDGES_SECONDS
    low = parts["loading"] + 0.9 * parts["training"] + 0.5 * (parts["samples"] + parts["verdict"])
    upper = SLACK * (sum(parts.values()) - parts["loading"]) + (training.high - SLACK * training.seconds)
    return {
        "seconds": round(sum(parts.values()), 1),
        "low": round(low, 1),
        "high": round(parts["loading"] + upper, 1),
        "peak_bytes": training.peak_bytes,
        "parts": {name: round(seconds, 1) for name, seconds in parts.items()},
    }


def _evaluations(config: RunConfig, steps: int) -> int:
    """How often the held-out loss is taken: before the first step, every `heldout_steps`, and after the last."""
    every = config.train.heldout_steps
    return 1 + steps // every + (steps % every > 0)


def _scoring_seconds(setup: TrainingSetup) -> float:
    """Seconds to score held-out rows and everyday requests with both models, from the time that a few of them take."""
    everyday = [item.conversation for item in general_prompts()]
    models = BaseAndTuned(Character(setup.model, setup.base.template, setup.persona), sys.maxsize)
    training = setup.model.training
    setup.model.eval()
    try:
        models.score(everyday[:1])  # the first one pays for what the others find done
        began = time.perf_counter()
        tokens = sum(score.tokens for score in models.score([*everyday[1:3], *setup.dataset.heldout[:2]]))
        seconds = time.perf_counter() - began
    finally:
        setup.model.train(training)
    total = sum(example.label_count for example in setup.dataset.heldout_examples)
    total += sum(len(setup.base.template.text_ids(item.turns[-1].text)) for item in everyday)
    return seconds * total / max(tokens, 1)


def _answering(setup: TrainingSetup, speed: ReplySpeed) -> float:
    """Seconds to ask both models: the base model talks on to the limit, the tuned one as the character."""
    config, dataset = setup.config, setup.dataset
    longest = float(config.generation.max_new_tokens)
    typical = min(longest, mean(example.label_count for example in dataset.examples))
    questions = len(sample(dataset.heldout, config.evaluate.prompts, 0)) + len(setup.persona.sample_prompts)
    everyday = sum(item.shown for item in general_prompts())
    return sum(speed.seconds([longest] * count) + speed.seconds([typical] * count) for count in (questions, everyday))


def _reply_speed(setup: TrainingSetup) -> ReplySpeed:
    """Let the model begin one reply, and several at once."""
    turns = [Turn("user", prompt) for prompt in setup.persona.sample_prompts]
    prompts = [setup.base.template.prompt_ids([turn]) for turn in turns]
    several = (prompts * SIDE_BY_SIDE)[: SIDE_BY_SIDE // 2]
    training = setup.model.training
    setup.model.eval()
    try:
        one, many = (_seconds_a_step(setup, rows) for rows in (several[:1], several))
    finally:
        setup.model.train(training)
    token = max(many - one, 0.0) / (len(several) - 1)
    return ReplySpeed(step=max(one - token, 0.0), token=token)


def _seconds_a_step(setup: TrainingSetup, prompts: Sequence[list[int]]) -> float:
    """Seconds in which each of the replies grows by one token, reading the prompts not counted."""
    times = []
    for tokens in (1, 1 + PROBE_TOKENS):
        settings = GenerationConfig(max_new_tokens=tokens)
        began = time.perf_counter()
        batch.generate(setup.model, setup.base.tokenizer, list(prompts), settings, [])
        times.append(time.perf_counter() - began)
    return max(times[1] - times[0], 0.0) / PROBE_TOKENS
