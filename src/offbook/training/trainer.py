"""The run's engine: transformers' Trainer with a few narrow overrides.

an item is a whole optimizer step             get_train_dataloader
one backward a micro-batch, shared out        training_step
the token-weighted held-out loss              evaluate
checkpoints that are whole or absent          _save_checkpoint
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import PrinterCallback, ProgressCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME

from offbook.core.atomic import atomic_write_json
from offbook.core.config.schema import TrainConfig
from offbook.core.errors import OffbookError
from offbook.core.i18n import marked, translate
from offbook.core.types import Example
from offbook.training.batch_sampler import BatchSampler
from offbook.training.checkpoint import PROGRESS, CheckpointStore, read_progress
from offbook.training.packing import MicroBatch, StepBatch
from offbook.training.process_group import ProcessGroup
from offbook.training.work_sharing import WorkSharing


@dataclass(frozen=True, slots=True)
class Objective:
    """What is minimised, and what is measured on held-out examples."""

    collate: Callable[[list[Example]], StepBatch]
    """The examples of a step → its micro-batches."""
    loss_sum: Callable[[Any, MicroBatch], torch.Tensor]
    """(model, micro-batch on the processor) → sum of its token losses in nats, a scalar that can be differentiated."""
    heldout_loss: Callable[[], float] | None = None
    """Mean loss per label token on the held-out examples, in nats; None where there are none."""


class StepCallback(TrainerCallback):
    """A callback that also sees every step's loss, and has a state of its own in each checkpoint."""

    def on_step_loss(self, loss: float, tokens: int) -> None:
        """Take a step's mean loss per label token, in nats, and the number of tokens in its examples."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state to be saved, as JSON; called before a checkpoint is written."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a saved state; called when training resumes."""


class StepTrainer(Trainer):
    """Trains a peft model, one optimizer step at a time.

    Args:
        model: the peft model, fast path enabled or not.
        sampler: which examples make up which step.
        objective: how a step's examples become a loss.
        store: takes the checkpoints.
        callbacks: transformers' callbacks; at most one is a `StepCallback`.
        settings: the run's `train` section.
        sharing: shares each step with other processes; None for a run of one.
    """

    def __init__(
        self,
        model: Any,
        sampler: BatchSampler,
        objective: Objective,
        store: CheckpointStore,
        callbacks: Sequence[TrainerCallback],
        *,
        settings: TrainConfig,
        sharing: WorkSharing | None = None,
    ) -> None:
        self.sampler = sampler
        self.sharing = sharing or WorkSharing(ProcessGroup(), model)
        self.objective: Objective = objective
        self.store = store
        self.step_callbacks = [callback for callback in callbacks if isinstance(callback, StepCallback)]
        self.step_examples: list[Example] = []
        self.adapted = model
        arguments = _arguments(settings, len(sampler), store.dir, evaluates=objective.heldout_loss is not None)
        # The Trainer insists on an evaluation set before it calls `evaluate`, which is our own and does not use it.
        steps: Any = sampler
        super().__init__(
            model=model, args=arguments, train_dataset=steps, eval_dataset=steps, callbacks=list(callbacks)
        )
        self.remove_callback(PrinterCallback)
        self.remove_callback(ProgressCallback)

    def run(self, checkpoint: Path | None = None) -> None:
        """Train to the last step, from the first one or from a checkpoint of the store."""
        self.args.eval_on_start = self.objective.heldout_loss is not None and checkpoint is None
        if checkpoint is not None:
            state = read_progress(checkpoint)
            for callback in self.step_callbacks:
                callback.load_state_dict(state)
        self.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))

    def get_train_dataloader(self) -> DataLoader[Any]:
        """One item a step, in the sampler's order; packing happens as the step comes up, and draws no random number."""
        return DataLoader(self.sampler, batch_size=1, collate_fn=self._collate)  # type: ignore[arg-type]

    def _collate(self, items: list[list[Example]]) -> StepBatch:
        self.step_examples = items[0]
        return self.objective.collate(items[0])

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> torch.Tensor:
        """Accumulate one optimizer step's gradient: the mean loss over all its label tokens, however it was cut."""
        model.train()

        def backward(index: int, batch: MicroBatch) -> torch.Tensor:
            torch.manual_seed(dropout_seed(self.args.seed, self.state.global_step, index))
            loss = self.objective.loss_sum(model, batch) / inputs.label_tokens
            self.accelerator.backward(loss)
            return loss.detach()

        total = self.sharing.gradients(inputs.micro_batches, backward)
        self._refuse_divergence(marked("loss"), total)
        for callback in self.step_callbacks:
            callback.on_step_loss(total.item(), sum(len(example.ids) for example in self.step_examples))
        return total

    def _clip_grad_norm(self, model: Any) -> Any:
        norm = super()._clip_grad_norm(model)
        self._refuse_divergence(marked("gradient"), norm)
        return norm

    def _refuse_divergence(self, what: str, value: Any) -> None:
        """Stop before a NaN or an infinity reaches the weights.

        Raises:
            OffbookError: naming the step and its rows.
        """
        if math.isfinite(float(value)):
            return
        rows = ", ".join(sorted({str(example.origin) for example in self.step_examples}))
        raise OffbookError(
            "training diverged: the {detail} of step {global_step} is {value} (rows: {rows})",
            "Lower --train.learning_rate, look at those rows, then go on from the last checkpoint with --resume.",
            detail=translate(what),
            global_step=self.state.global_step + 1,
            value=float(value),
            rows=rows,
        )

    def floating_point_ops(self, inputs: Any) -> int:
        """Not counted: transformers' formula knows nothing of packed micro-batches."""
        return 0

    def evaluate(self, *_args: Any, **_kwargs: Any) -> dict[str, float]:
        """Take the held-out loss, a mean over label tokens, and tell the callbacks."""
        assert self.objective.heldout_loss is not None
        self.adapted.eval()
        metrics = {"heldout_loss": self.objective.heldout_loss()}
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _load_rng_state(self, checkpoint: str | None) -> None:
        """Nothing to load: what is random in a step follows from the step's number."""

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        if self.sharing.group.rank:
            return  # process 0 has the run folder
        progress: dict[str, Any] = {}
        for callback in self.step_callbacks:
            progress |= callback.state_dict()
        with self.store.write(self.state.global_step) as folder:
            self.adapted.save_pretrained(str(folder), save_embedding_layers=False)  # peft would ask a hub about them
            self._save_optimizer_and_scheduler(str(folder))
            self._save_scaler(str(folder))
            self.state.save_to_json(str(folder / TRAINER_STATE_NAME))
            atomic_write_json(folder / PROGRESS, progress)
        self.store.rotate()


def dropout_seed(seed: int, step: int, micro_batch: int) -> int:
    """The seed of a micro-batch's dropout: the same on whatever process, and whatever was computed before.

    Args:
        seed: the run's.
        step: optimizer steps taken before this one.
        micro_batch: its number within the step.
    """
    return int.from_bytes(sha256(f"{seed}/{step}/{micro_batch}".encode()).digest()[:8], "big")


def _arguments(settings: TrainConfig, steps: int, folder: Path, *, evaluates: bool) -> TrainingArguments:
    """What transformers needs to know; everything else about the run is offbook's own."""
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=1,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.schedule,
        warmup_steps=settings.warmup_steps,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        logging_steps=settings.log_steps,
        logging_nan_inf_filter=False,
        save_steps=settings.save_steps,
        eval_strategy="steps" if evaluates else "no",
        eval_steps=settings.heldout_steps if evaluates else None,
        seed=settings.seed,
        disable_tqdm=True,
        report_to="none",
        remove_unused_columns=False,
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # with more, the Trainer would split what is one row of tokens
    return arguments
