"""The Trainer beneath a run may see several GPUs or processes; offbook trains on one of each."""

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerCallback, TrainingArguments

from offbook.core.config.schema import TrainConfig
from offbook.training import fast_path
from offbook.training.batch_sampler import BatchSampler
from offbook.training.checkpoint import CheckpointStore
from offbook.training.packing import pack_step
from offbook.training.trainer import Objective, StepCallback, StepTrainer, dropout_seed
from tests.training.samples import adapted, examples


def trainer(model: Any, folder: Path, losses: Any) -> Any:
    settings = TrainConfig(batch_size=4, epochs=1, save_steps=2)
    return StepTrainer(
        model,
        BatchSampler(examples(), settings.batch_size, settings.epochs, settings.seed),
        Objective(lambda rows: pack_step(rows, max_tokens=150), fast_path.loss_sum),
        CheckpointStore(folder),
        [Losses(losses)],
        settings=settings,
    )


class Losses(StepCallback):
    """Keeps the losses of the steps."""

    def __init__(self, losses: Any) -> None:
        self.losses = losses

    def on_step_loss(self, loss: Any, tokens: Any) -> None:
        self.losses.append(loss)


def test_two_gpus_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = TrainingArguments.__post_init__

    def sees_two_gpus(self: Any) -> None:
        ready(self)
        self._n_gpu = 2

    result = []
    for post_init in (ready, sees_two_gpus):
        monkeypatch.setattr(TrainingArguments, "__post_init__", post_init)
        model = adapted("llama")
        fast_path.enable(model)
        losses: list[float] = []
        trainer(model, tmp_path / post_init.__name__, losses).run()
        result.append(losses)
    assert len(result[0]) == 3
    assert result[1] == result[0]


class StopAt(TrainerCallback):
    """Ends training after a step, whose checkpoint is there by then."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        control.should_training_stop |= state.global_step == self.step


def trained_weights(folder: Path, *, fast: bool, stop_after: int | None = None) -> Any:
    """The adapter after a run with dropout; `stop_after` steps it goes on in another trainer, from the checkpoint."""
    model = adapted("llama", dropout=0.3)
    if fast:
        fast_path.enable(model)
    if stop_after is None:
        trainer(model, folder, []).run()
    else:
        first = trainer(model, folder, [])
        first.add_callback(StopAt(stop_after))
        first.run()
        torch.manual_seed(99)
        random.seed(99)
        again = adapted("llama", dropout=0.3)
        if fast:
            fast_path.enable(again)
        trainer(again, folder, []).run(CheckpointStore(folder).folder(stop_after))
        model = again
    return {name: weight.detach().clone() for name, weight in model.named_parameters() if weight.requires_grad}


@pytest.mark.parametrize("fast", [True, False])
def test_a_resume_needs_no_random_state(tmp_path: Path, fast: bool) -> None:
    undisturbed = trained_weights(tmp_path / "whole", fast=fast)
    resumed = trained_weights(tmp_path / "resumed", fast=fast, stop_after=2)
    assert all(torch.equal(undisturbed[name], resumed[name]) for name in undisturbed)


def test_dropout_differs_between_steps_and_micro_batches() -> None:
    seeds = {dropout_seed(seed, step, part) for seed in range(3) for step in range(5) for part in range(5)}
    assert len(seeds) == 75
