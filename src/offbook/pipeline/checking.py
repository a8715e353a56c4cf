"""Everything that can be known before the first step: `check` and `prove`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from offbook.core.config.schema import RunConfig
from offbook.core.i18n import marked
from offbook.core.persona import StopToken
from offbook.core.progress import NullReporter, Reporter, fill
from offbook.core.types import NO_LABEL, Example
from offbook.models import adapter as adapters
from offbook.models.load import choose_dtype
from offbook.models.storage import store_in_float32
from offbook.pipeline.dataset import report_of_rows
from offbook.pipeline.estimating import estimate_run
from offbook.pipeline.resuming import with_stored_choices
from offbook.pipeline.setup import TrainingSetup, decide_compute, prepare_training
from offbook.tokenization.stop_tokens import proves_stop, stop_ids, untrained_twins
from offbook.tracking.trackers import check_names
from offbook.training import fast_path
from offbook.training.gradient_check import (
    BOUND,
    GradientCheck,
    check_gradient,
    distance,
    fast_gradients,
    plain_gradients,
    worst_difference,
)

MEASURED_STEPS = 200
"""Steps of the first epoch, at most, that time and memory are estimated from; their rows are a random sample."""

ShowPlan = Callable[[TrainingSetup, dict[str, Any]], None]
"""Takes a run that is ready to start and its report."""


def check(
    config: RunConfig, *, reporter: Reporter | None = None, show: ShowPlan | None = None, began: float | None = None
) -> dict[str, Any]:
    """Everything that can be known before training; writes nothing.

    Args:
        config: the run's settings.
        reporter: is told what is being done.
        show: called with the setup and its report.
        began: when the command began, as `prepare_training` takes it.

    Returns:
        The report: the JSON of `offbook check`.

    Raises:
        UsageError: data, model or settings are at fault.
    """
    check_names(config.track.trackers)
    reporter = reporter or NullReporter()
    setup = prepare_training(with_stored_choices(config), reporter, began)
    report = report_of(setup, reporter)
    if show is not None:
        show(setup, report)
    return report


def prove(config: RunConfig, *, examples: int = 16, reporter: Reporter | None = None) -> GradientCheck:
    """Compare fast and plain training on the first `examples` training sequences of the config's own rows.

    Both in float32; where they differ by more than rounding always explains, what rounding does to the plain gradient
    is measured too; and where the run would compute products in bfloat16, that form as well.

    Raises:
        UsageError: data, model or settings are at fault.
    """
    reporter = reporter or NullReporter()
    config = with_stored_choices(config)
    setup = prepare_training(_exact(config), reporter)
    fast, rows = setup.config.train.fast, setup.dataset.examples[:examples]
    reporter.stage("Comparing gradients")
    counted = partial(reporter.progress, unit="gradient")
    proof = check_gradient(setup.model, rows, packing=fast.packing, prefix=fast.prefix, progress=counted)
    form = _form_in_bfloat16(config, setup.model)
    is_far = proof.max_relative_difference > BOUND and config.model.storage == "full"
    if form is None and not is_far:
        return proof
    # Each model is dropped before the next one is loaded. (A float64 model is twice the size of float32's.)
    reference = plain_gradients(setup.model, rows) if is_far else None
    store_in_float32(setup.model)
    exact = plain_gradients(setup.model.double(), rows)
    if reference is not None:
        proof = replace(proof, rounding=worst_difference(reference, exact))
    if form is None:
        return proof
    del setup
    ours = prepare_training(_exact(config, **form), reporter)
    fast_bf16 = fast_gradients(ours.model, ours.collate(rows))
    del ours
    theirs = prepare_training(_exact(config, dtype="bfloat16"), reporter)
    plain_bf16 = plain_gradients(theirs.model, rows)
    return replace(proof, bfloat16={"fast": distance(fast_bf16, exact), "plain": distance(plain_bf16, exact)})


def report_of(setup: TrainingSetup, reporter: Reporter, processes: int = 1) -> dict[str, Any]:
    """What is known about a run that so many processes share before its first step: the JSON of `offbook check`."""
    reporter.stage("Trying out a little of everything, to tell how long the run will take")
    dataset, model, sampler, stop_token = setup.dataset, setup.model, setup.sampler, setup.persona.stop_token
    with fast_path.fast_path_disabled(model):
        proved = proves_stop(model, stop_token, stop_ids(stop_token, model.generation_config.eos_token_id))
    everything, trainable = adapters.parameter_counts(model)
    measured_steps = min(sampler.steps_per_epoch, len(sampler), MEASURED_STEPS)
    sample = [setup.collate(sampler[step]) for step in range(measured_steps)]
    report = report_of_rows(dataset.rows, reporter)
    return {
        **report,
        "heldout_rows": len(dataset.heldout),
        "skipped": [*report["skipped"], *dataset.too_long],
        "replay_rows": dataset.replay_rows,
        "truncated": dataset.truncated,
        "turns": sum(len(row.turns) for row in dataset.rows.conversations),
        "tokens": sum(len(example.ids) for example in dataset.examples),
        "label_tokens": sum(example.label_count for example in dataset.examples),
        "prefix_tokens": max(batch.shared for step in sample for batch in step.micro_batches),
        "first_row": masked_text(dataset.examples[0], setup.base.tokenizer),
        "lengths": [len(example.ids) for example in dataset.examples],
        "parameters": everything,
        "trainable_parameters": trainable,
        "steps": len(sampler),
        "stop": {"token": stop_token.token, "id": stop_token.id, "proved": proved},
        "estimate": estimate_run(setup, sample, partial(reporter.progress, unit="part"), processes),
        "disk_bytes": disk_needed(setup.config, trainable),
        "checkpoint_bytes": checkpoint_bytes(trainable),
        "notes": [*setup.notes, *notes_on_stop(model, stop_token, setup.base.tokenizer.eos_token_id)],
    }


def masked_text(example: Example, tokenizer: PreTrainedTokenizerBase) -> list[dict[str, Any]]:
    """A training sequence as text, in runs of tokens that are learned or not: [{text, learned}]."""
    tokens = zip(example.ids, (label != NO_LABEL for label in example.labels), strict=True)
    return [
        {"text": tokenizer.decode([token for token, _ in run]), "learned": learned}
        for learned, run in groupby(tokens, key=itemgetter(1))
    ]


def notes_on_stop(model: Any, stop_token: StopToken, end_of_text: int | None) -> list[str]:
    """What is said of a stop token that the base model was never trained to use.

    Args:
        model: the base model, or one with an adapter.
        stop_token: what ends a reply.
        end_of_text: the tokenizer's own, which ends a reply of the built-in template `plain`.
    """
    twins = untrained_twins(model, stop_token.id)
    if not twins:
        return []
    is_known = end_of_text not in (None, stop_token.id) and not untrained_twins(model, end_of_text)
    return [fill(_TAKE_PLAIN if is_known else _TAKE_TUNED, {"token": stop_token.token, "twins": twins})]


_TAKE_PLAIN = marked(
    "the stop token {token} was never trained: to the output layer it is the same as {twins} other tokens, so "
    "replies may not end. Take the instruction-tuned model, or --model.template plain, whose replies end with "
    "the base model's own end of text"
)
_TAKE_TUNED = marked(
    "the stop token {token} was never trained: to the output layer it is the same as {twins} other tokens, so "
    "replies may not end. Take the instruction-tuned model"
)


def disk_needed(config: RunConfig, trainable: int) -> int:
    """Bytes on disk that a run may take at its fullest.

    Checkpoints (the one being written beside those that are kept), the adapter, tokenizer files and records.

    Args:
        config: the run's settings.
        trainable: how many parameters are trained.
    """
    checkpoints = config.train.keep_checkpoints + 1 + (config.train.keep == "best")
    return checkpoints * checkpoint_bytes(trainable) + trainable * 4 + 50 * 2**20


def checkpoint_bytes(trainable: int) -> int:
    """Bytes of a checkpoint of so many trained parameters: the adapter and two Adam moments in float32, small files."""
    return trainable * 4 * 3 + 2**17


def _form_in_bfloat16(config: RunConfig, model: Any) -> dict[str, str] | None:
    """The settings, for `_exact`, of a run that computes in bfloat16; None for one that does not, or not in full."""
    if config.model.storage != "full" or config.model.dtype not in ("auto", "float32"):
        return None
    if choose_dtype(config.model.dtype) == torch.bfloat16:
        return {"dtype": "bfloat16"}
    return {"compute": "bfloat16"} if decide_compute(config, model) == "bfloat16" else None


def _exact(config: RunConfig, *, dtype: str = "float32", compute: str = "float32") -> RunConfig:
    """The config in these formats, without replayed rows: they come after the first ones, and are slow to draw."""
    model = config.model.model_copy(update={"dtype": dtype})
    data = config.data.model_copy(update={"replay": None})
    train = config.train.model_copy(update={"compute": compute})
    return config.model_copy(update={"model": model, "data": data, "train": train})
