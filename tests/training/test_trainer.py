"""The Trainer beneath a run may see several GPUs or processes; offbook trains on one of each."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainingArguments

from offbook.core.config.schema import TrainConfig
from offbook.core.errors import UsageError
from offbook.training import fast_path
from offbook.training.batch_sampler import BatchSampler
from offbook.training.checkpoint import CheckpointStore
from offbook.training.packing import pack_step
from offbook.training.trainer import Objective, StepCallback, StepTrainer
from tests.training.samples import adapted, examples


def trainer(model: Any, folder: Path, losses: Any) -> Any:
    settings = TrainConfig(batch_size=4, epochs=1, save_steps=1000)
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


def test_several_processes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="2 processes") as refused:
        trainer(adapted("llama"), tmp_path, [])
    assert "without torchrun" in refused.value.fix
    assert not torch.distributed.is_initialized()
