"""How long a run will take to its end, part by part: loading, training, samples, verdict.

A little of everything that is to come is done before the first step, and its time multiplied. What has to be imported
for it is imported now, so that its time is over, too, when the estimate is told.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from offbook.core.config.schema import RunConfig
from offbook.core.progress import CountProgress, uncounted
from offbook.core.types import Conversation, Reply, Score, Turn
from offbook.evaluation.learning_curve import SHARES
from offbook.evaluation.responses import ModelOutputs, PairedReply, general_prompts, sample
from offbook.evaluation.scorecard import scorecard
from offbook.models.storage import is_quantized
from offbook.models.weight_size import loaded_bytes, unquantized_fits
from offbook.pipeline import learning_curve
from offbook.pipeline.base_and_tuned import BaseAndTuned
from offbook.pipeline.character import Character
from offbook.pipeline.reply_cost import ReplyCost, reply_cost
from offbook.pipeline.setup import TrainingSetup
from offbook.tracking.loss_plot import draw_loss
from offbook.training import estimate, fast_path, overhead
from offbook.training.compute import product_rates
from offbook.training.heldout_monitor import SAMPLE_TOKENS
from offbook.training.packing import StepBatch

T = TypeVar("T")

PARTS = 7
"""How many things are tried out."""
EFFICIENCY = 0.95
"""What processes that share a step bring each, beside one alone: they share memory and caches, too (docs/scale.md)."""
SCORED = 6
"""Texts whose losses are taken to learn what one costs."""
JUDGED_ROWS = 400
"""Rows, at most, on which the verdict's own arithmetic is tried."""
SPREAD = 1.3
"""The range of what is still to come, on either side: other programs want the machine, too, and a laptop gets warm."""
IMPORTED_LATER = ("sklearn.feature_extraction.text", "sklearn.linear_model", "sklearn.pipeline")
"""What the verdict's judges import when they are trained."""


def estimate_run(
    setup: TrainingSetup, steps: Sequence[StepBatch], progress: CountProgress = uncounted, processes: int = 1
) -> dict[str, Any]:
    """The time and the memory of a run, as `check` reports them.

    Args:
        setup: the run before its first step; its model is left as it was.
        steps: a sample of its optimizer steps.
        progress: told how many of the parts are tried out, and how many there are.
        processes: how many share the steps, and the two models' answers.

    Returns:
        `seconds`: the likeliest time from the start of the command to the verdict. `low`, `high`: its range. `parts`:
        seconds of `loading` (over by now, this estimate included), `training` (with its evaluations and their samples),
        `samples` (all that follows the last step, up to the adapter) and `verdict`. `peak_bytes`: the most memory held.
    """
    config, dataset, count = setup.config, setup.dataset, len(setup.sampler)
    tell, speed = _Counter(progress), 1.0 if processes == 1 else EFFICIENCY * processes
    both: Callable[[float, float], float] = float.__add__ if processes == 1 else max
    passes = tell(estimate.measure(setup.model, steps, total_steps=count))
    checkpoint = tell(overhead.checkpoint_seconds(setup.model))
    upkeep = tell(overhead.step_seconds(setup.sampler, setup.collate, config.train))
    evaluations = _evaluations(config, count) if dataset.heldout_examples else []
    heldout_tokens = sum(len(example.ids) for example in dataset.heldout_examples)
    character = Character(setup.model, setup.base.template, setup.persona)
    sample_prompts = [tuple(character.with_system([Turn("user", text)])) for text in setup.persona.sample_prompts]
    judges = config.evaluate.prompts > 0 and bool(dataset.heldout)
    chosen = sample(dataset.heldout, config.evaluate.prompts, 0) if judges else []
    with _as_evaluated(setup.model):
        replies = tell(reply_cost(setup, [*(row.turns[:-1] for row in chosen), *sample_prompts]))
        scoring = tell(_scoring_seconds(setup, character) if judges else 0.0)
    short = float(min(SAMPLE_TOKENS, config.generation.max_new_tokens))
    base_samples = replies.seconds([short] * len(sample_prompts))
    tuned_samples = replies.seconds(_tuned_lengths(setup, len(sample_prompts), short))
    samples = 0.0 if evaluations else both(base_samples, tuned_samples)  # those of the evaluations are taken
    steps_alone = (
        passes.seconds / speed
        + count * upkeep
        + len(evaluations) * heldout_tokens * passes.forward / speed
        + len(_saves(config, count, evaluations)) * checkpoint
    )
    parts = {
        "training": steps_alone + len(evaluations) * tuned_samples,
        "samples": samples + tell(_picture_seconds()) + checkpoint,
        "verdict": 0.0,
    }
    if judges:
        answers = both(*_answering(setup, replies, len(chosen) + len(sample_prompts)))
        curve = _curve_seconds(setup, steps_alone) if learning_curve.is_wanted(setup) else 0.0
        parts["verdict"] = scoring / speed + answers + curve + tell(_judging_seconds(setup, chosen))
    loading = time.monotonic() - setup.began
    left = sum(parts.values())
    return {
        "seconds": round(loading + left, 1),
        "low": round(loading + left / SPREAD, 1),
        "high": round(loading + left * SPREAD, 1),
        "peak_bytes": max(passes.peak_bytes, _bytes_when_judged(setup, processes) if judges else 0),
        "parts": {name: round(seconds, 1) for name, seconds in {"loading": loading, **parts}.items()},
    }


class _Counter:
    """Counts the parts that were tried out, whatever each gave."""

    def __init__(self, progress: CountProgress) -> None:
        self._progress = progress
        self._done = 0

    def __call__(self, value: T) -> T:
        self._done += 1
        self._progress(self._done, PARTS)
        return value


def _bytes_when_judged(setup: TrainingSetup, processes: int) -> int:
    """Bytes that a quantized run holds once its base is loaded in bfloat16, too (`finishing`); 0 for others."""
    path = setup.base.local.path
    if not is_quantized(setup.model) or not unquantized_fits(path, processes):
        return 0
    return estimate.held_memory(setup.model.device) + loaded_bytes(path, "bfloat16")


@contextmanager
def _as_evaluated(model: Any) -> Iterator[None]:
    """Context manager: the model as the verdict has it, afterwards as it was."""
    training = model.training
    model.eval()
    try:
        with fast_path.fast_path_disabled(model):
            yield
    finally:
        model.train(training)


def _evaluations(config: RunConfig, steps: int) -> list[int]:
    """The steps at which the held-out loss is taken: before the first one, every `heldout_steps`, after the last."""
    return sorted({0, *range(config.train.heldout_steps, steps + 1, config.train.heldout_steps), steps})


def _saves(config: RunConfig, steps: int, evaluations: Sequence[int]) -> set[int]:
    """The steps after which a checkpoint is written, if each evaluation is the best one so far."""
    best = evaluations[1:] if config.train.keep == "best" else []
    return {1, steps, *range(config.train.save_steps, steps + 1, config.train.save_steps), *best}


def _line_lengths(setup: TrainingSetup, count: int, longest: float) -> list[float]:
    """Tokens of so many of the character's lines, from short ones to long ones."""
    lengths = sorted(min(longest, float(example.label_count)) for example in setup.dataset.examples)
    return [lengths[int((number + 0.5) / count * len(lengths))] for number in range(count)]


def _tuned_lengths(setup: TrainingSetup, count: int, longest: float) -> list[float]:
    """Tokens of so many replies of the tuned model: those of the character's lines, but one does not end by itself.

    It is the one that the others' batch waits for.
    """
    return [*_line_lengths(setup, count, longest)[:-1], longest] if count else []


def _answering(setup: TrainingSetup, replies: ReplyCost, judged: int) -> tuple[float, float]:
    """Seconds to ask each model: the base model talks on to the limit, the tuned one as the character."""
    longest = float(setup.config.generation.max_new_tokens)
    count = judged + sum(item.shown for item in general_prompts())
    return replies.seconds([longest] * count), replies.seconds(_tuned_lengths(setup, count, longest))


def _scoring_seconds(setup: TrainingSetup, character: Character) -> float:
    """Seconds to score held-out rows and everyday requests with both models, from the time that a few of them take.

    The few are of every length: a pass costs something by itself, and something for each token.
    """
    models = BaseAndTuned(character, setup.config.data.max_length)
    everything = sorted([*setup.dataset.heldout, *(item.conversation for item in general_prompts())], key=_letters)
    tried = [everything[int((number + 0.5) / SCORED * len(everything))] for number in range(SCORED)]
    models.score(tried[:1])  # the first one pays for what the others find done
    times = []
    for rows in (tried[:1], tried):
        began = time.perf_counter()
        models.score(rows)
        times.append(time.perf_counter() - began)
    one, few, all_of_them = (models.pass_sizes(rows) for rows in (tried[:1], tried, everything))
    fixed, token = _costs((len(one), sum(one), times[0]), (len(few), sum(few), times[1]))
    return fixed * len(all_of_them) + token * sum(all_of_them)


def _costs(one: tuple[int, int, float], few: tuple[int, int, float]) -> tuple[float, float]:
    """Seconds of each pass by itself, and of each token in it; neither is below 0.

    Args:
        one: passes, tokens and seconds of a little.
        few: the same of a little more.
    """
    (passes, tokens, seconds), (more_passes, more_tokens, more_seconds) = one, few
    apart = passes * more_tokens - more_passes * tokens
    token = (passes * more_seconds - more_passes * seconds) / apart if apart else 0.0
    token = min(max(token, 0.0), more_seconds / more_tokens)
    return (more_seconds - token * more_tokens) / more_passes, token


def _letters(conversation: Conversation) -> int:
    return sum(len(turn.text) for turn in conversation.turns)


def _curve_seconds(setup: TrainingSetup, training: float) -> float:
    """Seconds of the trainings on fewer rows, in float32 whatever the run computes in, whose steps take `training`."""
    rates = product_rates() if setup.config.train.compute == "bfloat16" else {"bfloat16": 1.0, "float32": 1.0}
    return sum(SHARES[:-1]) * training * rates["bfloat16"] / rates["float32"]


def _picture_seconds() -> float:
    """Seconds that the loss curve takes once the library is there."""
    points = [{"step": 1, "loss": 1.0}]
    with TemporaryDirectory(prefix="offbook-") as place:
        for _ in range(2):
            began = time.perf_counter()
            draw_loss(points, Path(place) / "loss.png", "")
    return time.perf_counter() - began


def _judging_seconds(setup: TrainingSetup, chosen: Sequence[Conversation]) -> float:
    """Seconds of the verdict's own arithmetic, tried on the character's lines in place of replies.

    What comes with more rows is what twice as many of them take more; the rest is there for any number.
    """
    for name in IMPORTED_LATER:
        importlib.import_module(name)
    few, many = (_judged(setup, chosen, rows) for rows in (JUDGED_ROWS // 2, JUDGED_ROWS))
    beyond = max(len(setup.dataset.train) - JUDGED_ROWS, 0)
    return many + max(many - few, 0.0) * beyond / (JUDGED_ROWS - JUDGED_ROWS // 2)


def _judged(setup: TrainingSetup, chosen: Sequence[Conversation], count: int) -> float:
    """Seconds to judge on so many rows at most."""
    rows, heldout, general = setup.dataset.train[:count], setup.dataset.heldout[:count], general_prompts()
    lines = [Reply(row.replies[-1], True, 1) for row in rows]
    score = Score(1, 1.0, 1.0, 0.0, 1)
    replies = [
        PairedReply(lines[number % len(lines)], lines[-1 - number % len(lines)], str(number), "", row.replies[-1])
        for number, row in enumerate(chosen)
    ]
    outputs = ModelOutputs(
        train=rows,
        heldout=heldout,
        scores=[score] * len(heldout),
        replies=replies,
        sample_replies=[],
        general=general,
        general_scores=[score] * len(general),
        general_replies=[],
    )
    began = time.perf_counter()
    scorecard(outputs)
    return time.perf_counter() - began
