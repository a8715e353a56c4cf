"""A run before its first step: data, model with adapter, persona and batches; what check, train and prove share."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from offbook.core import environment
from offbook.core.config.schema import BASE, RunConfig
from offbook.core.errors import UsageError
from offbook.core.persona import Persona
from offbook.core.progress import Reporter
from offbook.core.types import Conversation, Example
from offbook.data.row_files import parse_rows, rows_text
from offbook.generation.context import longest_context
from offbook.models import adapter as adapters
from offbook.models.load import load_config, load_model
from offbook.models.quantized_copy import notes_on_unpacking
from offbook.models.storage import QUANTIZED, is_stored, loses_nothing, store
from offbook.models.target_modules import left_out
from offbook.models.weight_checks import notes_on_unused_weights, refuse_nonfinite
from offbook.pipeline.adapter_source import resolve_character
from offbook.pipeline.base_model import BaseModel, open_base_model, persona_of
from offbook.pipeline.dataset import Dataset, read_rows, tokenize
from offbook.pipeline.model_limits import notes_on_length, refuse_long_persona, refuse_unknown_tokens, within_context
from offbook.pipeline.replay import base_model_rows
from offbook.training import fast_path
from offbook.training.architecture import check_trainable
from offbook.training.batch_sampler import BatchSampler
from offbook.training.compute import Format, choose_compute, splits_float32
from offbook.training.packing import MicroBatch, StepBatch, pack_step
from offbook.training.work_sharing import WorkSharing

HELDOUT_AT_ONCE = 64
"""Held-out examples that are packed together."""


@dataclass(frozen=True, slots=True)
class TrainingSetup:
    """Everything that is ready before the first step."""

    config: RunConfig
    base: BaseModel
    dataset: Dataset
    model: Any
    """The base model with the adapter that is trained (a PEFT model)."""
    persona: Persona
    sampler: BatchSampler
    notes: list[str]
    """What the fast path had to leave to the plain one, in sentences."""
    began: float
    """`time.monotonic()` when the command began."""

    def collate(self, examples: Sequence[Example]) -> StepBatch:
        """The micro-batches of one optimizer step."""
        train = self.config.train
        assert train.max_tokens_per_micro_batch is not None
        return pack_step(
            examples,
            max_tokens=train.max_tokens_per_micro_batch,
            min_count=train.micro_batches or 1,
            packing=train.fast.packing,
            prefix=train.fast.prefix,
        )

    def heldout_loss(self, sharing: WorkSharing) -> float:
        """Mean loss per label token over the held-out examples, in nats; the processes of the run share the work."""
        examples = self.dataset.heldout_examples
        steps = [
            self.collate(examples[start : start + HELDOUT_AT_ONCE])
            for start in range(0, len(examples), HELDOUT_AT_ONCE)
        ]
        batches = [batch for step in steps for batch in step.micro_batches]
        return sum(sharing.sums(batches, self._summed_loss)) / sum(len(batch.targets) for batch in batches)

    def _summed_loss(self, batch: MicroBatch) -> float:
        return fast_path.token_losses(self.model, batch).double().sum().item()

    def identity(self) -> dict[str, str]:
        """What the processes of a run must have in common, by name."""
        weights = sha256()
        for name, weight in self.model.named_parameters():
            if weight.requires_grad:
                weights.update(name.encode() + weight.detach().float().cpu().numpy().tobytes())
        base = repr(sorted(self.base.local.files.items()))
        return {
            "the training data": self.dataset.sha256,
            "the base model": sha256(base.encode()).hexdigest(),
            "the adapter to begin with": weights.hexdigest(),
            **environment.versions(),
        }


Share = Callable[[str, Callable[[], str]], str]
"""(name, makes a text) → the text; one process of several makes it, and all get it."""


def prepare_training(
    config: RunConfig,
    reporter: Reporter,
    began: float | None = None,
    share: Share = lambda _name, make: make(),
) -> TrainingSetup:
    """Read the data, load the model and put the adapter in.

    Args:
        config: the run's settings.
        reporter: is told what is being done.
        began: `time.monotonic()` when the command began, so that the time of imports counts; default: now.
        share: makes what is measured or drawn the same on all processes of a run.

    Raises:
        UsageError: data, model or adapter are at fault.
    """
    began = time.monotonic() if began is None else began
    rows = read_rows(config, reporter)
    base = open_base_model(config, reporter)
    model_config = load_config(base.local.path)
    config, notes = within_context(config, model_config)
    notes += notes_on_unpacking(model_config)
    refuse_long_persona(config.persona, base.template, longest_context(model_config))
    dataset = tokenize(rows, base.template, config.data, reporter)
    if config.data.heldout and not dataset.heldout:
        reporter.warning(
            "none of the rows could be held out (they are few, of one scene, or resemble each other): no loss on "
            "unseen lines and no verdict will say what was learned.\n"
            "  Judge on a file of other rows: --data.heldout_source FILE"
        )
    reporter.stage("Loading {source}", source=config.model.source)
    counted = partial(reporter.progress, unit="tensor")
    pretrained = load_model(base.local.path, config.model.dtype, config.model.storage, progress=counted)
    refuse_nonfinite(pretrained)
    notes += notes_on_unused_weights(pretrained)
    general: Sequence[Conversation] = rows.replay
    if config.data.replay == BASE:
        loaded_as = f"{config.model.dtype} {config.model.storage}"
        drawn = partial(base_model_rows, pretrained, base, loaded_as, reporter)
        general = parse_rows(share("rehearsal", lambda: rows_text(drawn())))
    dataset = dataset.with_replay(general, base.template, config.data)
    refuse_unknown_tokens([*dataset.examples, *dataset.heldout_examples], pretrained, base.tokenizer)
    compute = share("compute", lambda: _with_compute(config, pretrained).train.compute)
    config = config.model_copy(update={"train": config.train.model_copy(update={"compute": compute})})
    if config.train.fast.fused or config.train.compute == "bfloat16":
        store_for_products(pretrained, "bfloat16" if config.train.compute == "bfloat16" else "float32")
    model = _with_adapter(pretrained, config, base.local.path)
    fast = config.train.fast
    by_length = notes_on_length([*dataset.examples, *dataset.heldout_examples], model_config) if fast.packing else []
    notes += by_length + base.template.notes + check_trainable(model)
    notes += left_out(model.get_base_model(), model.targeted_module_names, config.lora.target_modules)
    notes += fast_path.enable(
        model,
        packing=fast.packing and not by_length,
        fused=fast.fused,
        head=fast.head,
        gradient_checkpointing=config.train.gradient_checkpointing,
    )
    sampler = BatchSampler(dataset.examples, config.train.batch_size, config.train.epochs, config.train.seed)
    return TrainingSetup(config, base, dataset, model, persona_of(config, base), sampler, notes, began)


def _with_compute(config: RunConfig, pretrained: Any) -> RunConfig:
    """The config with `train.compute` decided; a model whose activations are not float32 computes in their format."""
    in_float32 = pretrained.dtype == torch.float32 or config.model.storage != "full"
    if not in_float32:
        return config
    compute = decide_compute(config, pretrained)
    return config.model_copy(update={"train": config.train.model_copy(update={"compute": compute})})


def decide_compute(config: RunConfig, model: Any) -> Format:
    """The format of the products with frozen weights: what the config says, or what this machine is faster in."""
    if config.train.compute != "auto":
        return config.train.compute
    return choose_compute(model.config.get_text_config().hidden_size, model.device)


def store_for_products(model: Any, compute: Format) -> None:
    """Keep a model's weights in the format that its products with them are computed from.

    That is bfloat16 for those in bfloat16, and for those in float32 where they are faster so and the weights lose
    nothing (`core/bfloat16x3.py`).

    Args:
        model: the base model, changed in place.
        compute: the format of the products.
    """
    hidden_size = model.config.get_text_config().hidden_size
    in_full = model.dtype == torch.float32 and not is_stored(model)
    if compute == "bfloat16":
        store(model, compute=torch.bfloat16)
    elif in_full and splits_float32(hidden_size, model.device) and loses_nothing(model):
        store(model)


def _with_adapter(model: Any, config: RunConfig, folder: Path) -> Any:
    """The model with a fresh adapter, or with the one to go on from."""
    if config.lora.use_dora and config.model.storage in QUANTIZED:
        raise UsageError(
            "DoRA cannot measure the weights of a base in {storage} (lora.use_dora)",
            "Train without it, or with --model.storage bfloat16.",
            storage=config.model.storage,
        )
    if config.model.adapter is not None:
        return adapters.load(model, resolve_character(config.model.adapter).adapter, trainable=True)
    return adapters.attach(
        model,
        **config.lora.model_dump(),
        seed=config.train.seed,
        base_name=config.model.source.partition(":")[2] or str(folder),
    )
