"""The run's engine: transformers' Trainer with a few narrow overrides.

an item is a whole optimizer step      get_train_dataloader
one backward a pass, one mean a step   training_step
the token-weighted held-out loss       evaluate
checkpoints that are whole or absent   _save_checkpoint
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import PrinterCallback, ProgressCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME

from offbook.core.atomic import atomic_write_json
from offbook.core.config.schema import TrainConfig
from offbook.core.errors import OffbookError, UsageError
from offbook.core.types import Example
from offbook.training import checkpoint
from offbook.training.batch_sampler import BatchSampler


class StepTrainer(Trainer):
    """Trains a PEFT model on a Plan.

    Args:
        model: the PEFT model, fast path installed or not.
        plan: which examples make up which step.
        collate: list of examples → one Step (a Mapping of the step's passes).
        loss_sum: (model, pass) → sum of the token losses of the pass, differentiable.
        heldout_loss: () → mean loss per label token on the held-out examples; None where there are none.
        checkpoints: the folder of the checkpoints.
        facts: written into every checkpoint's manifest.
        on_loss: called with a step's mean loss and its number of tokens.
        before_save: called before a checkpoint is written (metrics have to be on disk first); what it returns is kept
            in the checkpoint as `progress.json`.
        spare: the step of a checkpoint that stays, however old.

    Raises:
        UsageError: it is one of several processes.
    """

    def __init__(
        self,
        *,
        model: Any,
        plan: BatchSampler,
        settings: TrainConfig,
        collate: Callable[[list[Example]], Any],
        loss_sum: Callable[[Any, Any], torch.Tensor],
        heldout_loss: Callable[[], float] | None,
        checkpoints: Path,
        facts: dict[str, Any],
        callbacks: list[TrainerCallback],
        on_loss: Callable[[float, int], None],
        before_save: Callable[[], dict[str, Any]],
        spare: Callable[[], int | None],
        resumed: bool,
    ) -> None:
        self.plan = plan
        self.collate = collate
        self.loss_sum = loss_sum
        self.heldout_loss = heldout_loss
        self.checkpoints = checkpoints
        self.facts = facts
        self.on_loss = on_loss
        self.before_save = before_save
        self.spare = spare
        self.step_examples: list[Example] = []
        arguments = _arguments(settings, len(plan), checkpoints, evaluates=heldout_loss is not None, resumed=resumed)
        self.adapted = model
        # The Trainer insists on an evaluation set before it calls `evaluate`, which is our own and does not use it.
        super().__init__(model=model, args=arguments, train_dataset=plan, eval_dataset=plan, callbacks=callbacks)
        self.remove_callback(PrinterCallback)
        self.remove_callback(ProgressCallback)

    def get_train_dataloader(self) -> DataLoader:
        """One item a step, in the plan's order; packing happens as the step comes up, and draws nothing at random."""
        return DataLoader(self.plan, batch_size=1, collate_fn=self._collate)  # type: ignore[arg-type]

    def _collate(self, items: list[list[Example]]) -> Any:
        self.step_examples = items[0]
        return self.collate(items[0])

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> torch.Tensor:
        """One optimizer step's gradient: the mean loss over all its label tokens, however it was cut into passes."""
        model.train()
        total = torch.zeros((), device=self.args.device)
        for batch in inputs.micro_batches:
            loss = self.loss_sum(model, batch.to(self.args.device)) / inputs.label_tokens
            self.accelerator.backward(loss)
            total += loss.detach()
        self._refuse_divergence("loss", total)
        self.on_loss(total.item(), sum(len(example.ids) for example in self.step_examples))
        return total

    def _clip_grad_norm(self, model: Any) -> Any:
        norm = super()._clip_grad_norm(model)
        self._refuse_divergence("gradient", norm)
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
            f"training diverged: the {what} of step {self.state.global_step + 1} is {float(value)} (rows: {rows})",
            "Lower --train.learning_rate, look at those rows, then go on from the last checkpoint with --resume.",
        )

    def floating_point_ops(self, inputs: Any) -> int:
        """Not counted: transformers' formula knows nothing of packed passes."""
        return 0

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """The held-out loss, as a mean over label tokens."""
        assert self.heldout_loss is not None
        self.adapted.eval()
        metrics = {"heldout_loss": self.heldout_loss()}
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        progress = self.before_save()
        with checkpoint.writing(self.checkpoints, self.state.global_step, self.facts) as folder:
            self.adapted.save_pretrained(str(folder))
            self._save_optimizer_and_scheduler(str(folder))
            self._save_scaler(str(folder))
            self._save_rng_state(str(folder))
            self.state.save_to_json(str(folder / TRAINER_STATE_NAME))
            atomic_write_json(folder / checkpoint.PROGRESS, progress)
        checkpoint.rotate(self.checkpoints, self.args.save_total_limit or 1, self.spare())


def _arguments(settings: TrainConfig, steps: int, folder: Path, *, evaluates: bool, resumed: bool) -> TrainingArguments:
    """What transformers needs to know; everything else about the run is offbook's own.

    Raises:
        UsageError: a launcher started several processes, each of which would train on every row.
    """
    if (processes := os.environ.get("WORLD_SIZE", "1")) != "1":
        raise UsageError(
            f"a launcher started {processes} processes (WORLD_SIZE), but offbook trains in one",
            "Start it without torchrun or accelerate: offbook train -c run.yaml",
        )
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
        save_total_limit=settings.keep_checkpoints,
        eval_strategy="steps" if evaluates else "no",
        eval_steps=settings.heldout_steps if evaluates else None,
        eval_on_start=evaluates and not resumed,
        seed=settings.seed,
        disable_tqdm=True,
        report_to="none",
        remove_unused_columns=False,
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # with more, the Trainer would split what is one row of tokens
    return arguments
