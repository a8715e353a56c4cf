"""What a run spends beside its passes, measured by doing it: the Trainer's own work for a step, and a checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from peft import PeftModel
from transformers import TrainerCallback

from offbook.core.config.schema import TrainConfig
from offbook.core.progress import NullReporter
from offbook.core.rundir import RunDir
from offbook.core.types import Example
from offbook.training.batch_sampler import BatchSampler
from offbook.training.checkpoint import CheckpointStore
from offbook.training.packing import StepBatch
from offbook.training.run_recorder import RunRecorder
from offbook.training.trainer import Objective, StepTrainer

STEPS = 10
"""Steps that are taken to learn what one costs; the first one, which also sets things up, is not counted."""


def step_seconds(
    sampler: BatchSampler, collate: Callable[[Sequence[Example]], StepBatch], settings: TrainConfig
) -> float:
    """Seconds of a step beside forward, backward and update: packing, the Trainer, its callbacks, the metrics.

    The first steps of the run are taken by its own trainer, with a model of one weight in place of the model.

    Args:
        sampler: the run's steps.
        collate: the examples of a step → its micro-batches.
        settings: the run's `train` section.
    """
    steps = replace(sampler, epochs=min(STEPS, len(sampler)) / sampler.steps_per_epoch)
    with TemporaryDirectory(prefix="offbook-") as place, torch.random.fork_rng():
        recorder = RunRecorder(RunDir(place), steps, NullReporter(), torch.device("cpu"))
        watch = _Watch()
        trainer = StepTrainer(
            _OneWeight(),
            steps,
            Objective(collate, lambda model, _batch: model.weight.sum()),
            CheckpointStore(Path(place) / "checkpoints"),
            [recorder, watch],
            settings=settings,
        )
        began = time.perf_counter()
        with recorder:
            trainer.run()
    if len(watch.moments) < 2:
        return time.perf_counter() - began
    return (watch.moments[-1] - watch.moments[0]) / (len(watch.moments) - 1)


def checkpoint_seconds(model: PeftModel) -> float:
    """Seconds that a checkpoint takes: the adapter and Adam's two moments, their hashes, and the disk's word for it."""
    moments = [torch.zeros(2, *weight.shape) for weight in model.parameters() if weight.requires_grad]
    with TemporaryDirectory(prefix="offbook-") as place:
        began = time.perf_counter()
        with CheckpointStore(Path(place)).write(1) as folder:
            model.save_pretrained(str(folder), save_embedding_layers=False)
            torch.save(moments, folder / "optimizer.pt")
        return time.perf_counter() - began


class _OneWeight(torch.nn.Linear):
    """A model that costs nothing to compute, as the trainer wants to see one."""

    def __init__(self) -> None:
        super().__init__(1, 1, bias=False)

    def get_base_model(self) -> torch.nn.Module:
        return self

    def get_input_embeddings(self) -> torch.nn.Module:
        return self

    def get_output_embeddings(self) -> torch.nn.Module:
        return self


class _Watch(TrainerCallback):
    """Notes when each step begins, and keeps the trainer from saving."""

    def __init__(self) -> None:
        self.moments: list[float] = []

    def on_step_begin(self, *_args: Any, **_kwargs: Any) -> None:
        self.moments.append(time.perf_counter())

    def on_step_end(self, args: Any, state: Any, control: Any, **_kwargs: Any) -> None:
        del args, state
        control.should_save = False  # the trainer wants to after the last step
