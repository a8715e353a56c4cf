"""Training again on a quarter and on half of the rows, to tell how many more lines would help.

As many updates, each of a quarter or half as many rows, so that every row is seen as often: what differs is how many
different lines there are.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import groupby
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

from offbook.core.errors import OffbookError, Stopped
from offbook.core.progress import ProgressReporter, Reporter
from offbook.core.rundir import RunDir
from offbook.core.types import Example
from offbook.evaluation.learning_curve import SHARES, LearningCurve
from offbook.models import adapter as adapters
from offbook.pipeline.base_and_tuned import BaseAndTuned
from offbook.pipeline.character import Character
from offbook.pipeline.setup import TrainingSetup
from offbook.training import fast_path
from offbook.training.batch_sampler import BatchSampler

FEW_ROWS = 100
"""Rows below which a run tells by itself how many more would help: it is short, and more of them the likeliest cure."""

Optimize = Callable[[RunDir, TrainingSetup, Reporter], None]
"""(scratch folder, setup, reporter): train the model to the state that a run would keep."""


def is_wanted(setup: TrainingSetup) -> bool:
    """Whether the run's settings, or else how few rows it has, ask for it, and there is a verdict to say it in."""
    config, dataset = setup.config.evaluate, setup.dataset
    rows = len(dataset.train) - dataset.replay_rows
    wanted = rows < FEW_ROWS if config.learning_curve is None else config.learning_curve
    return wanted and rows >= 1 / SHARES[0] and bool(config.prompts and dataset.heldout_examples)


def measure(run: RunDir, setup: TrainingSetup, start: bytes, optimize: Optimize, reporter: Reporter) -> None:
    """Write the run's learning_curve.json. The model is as it was afterwards; a fault of its own leaves no file.

    Args:
        run: the finished run.
        setup: the run, its model trained.
        start: the adapter's weights before the first step.
        optimize: trains it.
        reporter: is told how far it is.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    reporter.stage("Training on fewer of the rows, to tell how many more lines would help")
    trained, steps = adapters.trained_bytes(setup.model), len(setup.sampler)
    with suppress(OffbookError):
        try:
            rows, scores = [], []
            for number, share in enumerate(SHARES[:-1]):
                part, count = _with_fewer(setup, share)
                adapters.load_trained(setup.model, start)
                counted = ProgressReporter(reporter, number * steps, (len(SHARES) - 1) * steps)
                with TemporaryDirectory(prefix="offbook-") as folder:
                    optimize(RunDir(Path(folder)), part, counted)
                rows.append(count)
                scores.append(_heldout_scores(setup))
        except Stopped:
            raise KeyboardInterrupt from None
        finally:
            adapters.load_trained(setup.model, trained)
            setup.model.eval()
        rows.append(len(setup.dataset.train) - setup.dataset.replay_rows)
        scores.append(_heldout_scores(setup))
        losses = [tuple(loss for loss, _ in each) for each in scores]
        quarter, half, full = losses
        curve = LearningCurve(
            (rows[0], rows[1], rows[2]), (quarter, half, full), tuple(tokens for _, tokens in scores[-1])
        )
        curve.save(run.learning_curve)


def _heldout_scores(setup: TrainingSetup) -> list[tuple[float, int]]:
    """Summed loss and scored tokens of every held-out row, as the verdict takes them."""
    character = Character(setup.model.eval(), setup.base.template, setup.persona)
    with fast_path.fast_path_disabled(setup.model):
        scores = BaseAndTuned(character, setup.config.data.max_length).score(setup.dataset.heldout)
    return [(score.tuned, score.tokens) for score in scores]


def _with_fewer(setup: TrainingSetup, share: float) -> tuple[TrainingSetup, int]:
    """The run on a share of its rows, without what others would see of it; and how many are the character's."""
    sampler, config = setup.sampler, setup.config
    chosen, count = _choose(sampler.conversations, share, sampler.seed)
    part = BatchSampler(chosen, max(1, round(sampler.batch_size * share)), sampler.epochs, sampler.seed)
    quiet = config.model_copy(update={"track": config.track.model_copy(update={"trackers": []})})
    persona = setup.persona.model_copy(update={"sample_prompts": []})
    return replace(setup, config=quiet, sampler=part, persona=persona), count


def _choose(conversations: Sequence[list[Example]], share: float, seed: int) -> tuple[list[Example], int]:
    """A share of the character's conversations and of the replayed ones; a larger share holds a smaller one's."""
    kinds = [list(group) for _, group in groupby(conversations, lambda examples: examples[0].origin.kind)]
    chosen: list[Example] = []
    count = 0
    for group in kinds:
        order = random.Random(f"{seed}/curve").sample(group, len(group))[: ceil(len(group) * share)]
        chosen += [example for examples in order for example in examples]
        count += len(order) if order[0][0].origin.kind != "replay" else 0
    return chosen, count
