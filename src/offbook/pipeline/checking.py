"""Everything that can be known before the first step: `check`, `check_data` and `prove`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from offbook.core.config.schema import RunConfig
from offbook.core.progress import NullReporter, Reporter
from offbook.data import quality
from offbook.models import adapter as adapters
from offbook.pipeline.dataset import Material, read_material
from offbook.pipeline.resuming import with_token_budget
from offbook.pipeline.setup import TrainingSetup, prepare_training
from offbook.tokenization.stop_tokens import proves_stop, stop_ids
from offbook.training import estimate, fast_path
from offbook.training.gradient_check import GradientCheck, check_gradient

MEASURED_STEPS = 200
"""Steps of the first epoch, at most, that time and memory are estimated from; their rows are a random sample."""


def report(job: TrainingSetup) -> dict[str, Any]:
    """What is known about a run before its first step: the JSON of `offbook check`."""
    material, model, stop_token = job.material, job.model, job.persona.stop_token
    with fast_path.fast_path_disabled(model):
        proved = proves_stop(model, stop_token, stop_ids(stop_token, model.generation_config.eos_token_id))
    everything, trainable = adapters.parameter_counts(model)
    examples = material.examples
    sample = [
        job.collate(job.plan[step]) for step in range(min(job.plan.steps_per_epoch, len(job.plan), MEASURED_STEPS))
    ]
    measured = estimate.measure(model, sample, total_steps=len(job.plan))
    return {
        **report_of_data(material),
        "replay_rows": material.replay_rows,
        "truncated": material.truncated,
        "turns": sum(len(row.turns) for row in material.conversations),
        "tokens": sum(len(example.ids) for example in examples),
        "label_tokens": sum(example.label_count for example in examples),
        "prefix_tokens": max(batch.prefix for step in sample for batch in step.micro_batches),
        "lengths": [len(example.ids) for example in examples],
        "parameters": everything,
        "trainable_parameters": trainable,
        "steps": len(job.plan),
        "stop": {"token": stop_token.token, "id": stop_token.id, "proved": proved},
        "estimate": measured.as_json(),
        "disk_bytes": disk_needed(job.config, trainable),
        "checkpoint_bytes": checkpoint_bytes(trainable),
        "notes": job.notes,
    }


def report_of_data(material: Material) -> dict[str, Any]:
    """What is known about rows and split without a model."""
    return {
        "rows": len(material.conversations) + len(material.skipped),
        **quality.report(material.conversations),
        "heldout_rows": len(material.heldout),
        "removed": material.removed,
        "dropped": material.dropped,
        "leak": material.leak,
        "skipped": [*material.skipped, *material.too_long],
    }


def disk_needed(config: RunConfig, trainable: int) -> int:
    """Bytes that a run may take at its fullest: the checkpoints, the one being written beside those that are kept, the
    adapter, tokenizer files and records."""
    checkpoints = config.train.keep_checkpoints + 1 + (config.train.keep == "best")
    return checkpoints * checkpoint_bytes(trainable) + trainable * 4 + 50 * 2**20


def checkpoint_bytes(trainable: int) -> int:
    """Bytes of a checkpoint: the adapter and two Adam moments in float32, and some small files."""
    return trainable * 4 * 3 + 2**17


ShowPlan = Callable[[TrainingSetup, dict[str, Any]], None]


def check(config: RunConfig, *, reporter: Reporter | None = None, show: ShowPlan | None = None) -> dict[str, Any]:
    """Everything that can be known before training; writes nothing."""
    job = prepare_training(with_token_budget(config), reporter or NullReporter())
    known = report(job)
    if show is not None:
        show(job, known)
    return known


def check_data(config: RunConfig) -> dict[str, Any]:
    """What can be known about the rows alone, without a model; writes nothing."""
    return report_of_data(read_material(config))


def prove(config: RunConfig, *, examples: int = 16, reporter: Reporter | None = None) -> GradientCheck:
    """Compare fast and plain training on the first `examples` training sequences of the config's own rows."""
    exact = config.model_copy(
        update={
            "model": config.model.model_copy(update={"dtype": "float32"}),
            "data": config.data.model_copy(
                update={"replay": None}
            ),  # stands behind the first rows, and is slow to draw
        }
    )
    job = prepare_training(with_token_budget(exact), reporter or NullReporter())
    fast = job.config.train.fast
    return check_gradient(job.model, job.plan.examples[:examples], packing=fast.packing, prefix=fast.prefix)
