"""A run before its first step: data, model with adapter, persona and plan; what check, train and prove share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from offbook.character import adapter_folder
from offbook.core.config import BASE, RunConfig
from offbook.core.persona import Persona
from offbook.core.report import Reporter
from offbook.core.types import Example
from offbook.data import quality
from offbook.model import adapter as adapters
from offbook.model.load import load_model
from offbook.prepare import Material, Part, mix_in, open_part, persona_of, read_material, tokenize
from offbook.rehearsal import own_rows
from offbook.text.stops import proves_stop, stop_ids
from offbook.train import estimate, forward
from offbook.train.packing import Step, pack_step
from offbook.train.plan import Plan

MEASURED_STEPS = 200
"""Steps of the first epoch, at most, that time and memory are estimated from; their rows are a random sample."""

HELDOUT_AT_ONCE = 64
"""Held-out examples that are packed together."""


@dataclass
class Job:
    """Everything that is ready before the first step."""

    config: RunConfig
    part: Part
    material: Material
    model: Any
    persona: Persona
    plan: Plan
    notes: list[str]
    """What the fast path had to leave to the plain one, in sentences."""

    def collate(self, examples: list[Example]) -> Step:
        """The passes of one optimizer step."""
        train = self.config.train
        assert train.max_tokens_per_pass is not None
        return pack_step(
            examples,
            max_tokens=train.max_tokens_per_pass,
            packing=train.fast.packing,
            prefix=train.fast.prefix,
        )

    def heldout_loss(self) -> float:
        """Mean loss per label token over the held-out examples, in nats."""
        total, tokens = 0.0, 0
        for start in range(0, len(self.material.heldout_examples), HELDOUT_AT_ONCE):
            step = self.collate(self.material.heldout_examples[start : start + HELDOUT_AT_ONCE])
            for batch in step.passes:
                losses = forward.token_losses(self.model, batch.to(self.model.device))
                total += losses.double().sum().item()
                tokens += len(losses)
        return total / tokens


def open_job(config: RunConfig, reporter: Reporter) -> Job:
    """Read the data, load the model and put the adapter in.

    Raises:
        UsageError: data, model or adapter are at fault.
    """
    material = read_material(config)
    part = open_part(config, reporter)
    tokenize(material, part.template, config)
    reporter.say(f"Loading {config.model.source}")
    base = load_model(part.pulled.path, config.model.dtype)
    general = own_rows(base, part, config.model.dtype, reporter) if config.data.mix_in == BASE else material.general
    mix_in(material, general, part.template, config)
    model = _with_adapter(base, config, part.pulled.path)
    fast = config.train.fast
    notes = forward.install(
        model,
        packing=fast.packing,
        fused=fast.fused,
        head=fast.head,
        gradient_checkpointing=config.train.gradient_checkpointing,
    )
    plan = Plan(material.examples, config.train.batch_size, config.train.epochs, config.train.seed)
    return Job(config, part, material, model, persona_of(config, part), plan, notes)


def report(job: Job) -> dict[str, Any]:
    """What is known about a run before its first step: the JSON of `offbook check`."""
    material, model, ending = job.material, job.model, job.persona.ending
    with forward.plain(model):
        proved = proves_stop(model, ending, stop_ids(ending, model.generation_config.eos_token_id))
    everything, trainable = adapters.parameter_counts(model)
    examples = material.examples
    sample = [
        job.collate(job.plan[step]) for step in range(min(job.plan.steps_per_epoch, len(job.plan), MEASURED_STEPS))
    ]
    measured = estimate.measure(model, sample, total_steps=len(job.plan))
    return {
        **report_of_data(material),
        "mixed_in": material.mixed_in,
        "truncated": material.truncated,
        "turns": sum(len(row.turns) for row in material.conversations),
        "tokens": sum(len(example.ids) for example in examples),
        "label_tokens": sum(example.label_count for example in examples),
        "prefix_tokens": max(batch.prefix for step in sample for batch in step.passes),
        "lengths": [len(example.ids) for example in examples],
        "parameters": everything,
        "trainable_parameters": trainable,
        "steps": len(job.plan),
        "stop": {"token": ending.token, "id": ending.id, "proved": proved},
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


def _with_adapter(model: Any, config: RunConfig, folder: Path) -> Any:
    """The model with a fresh adapter, or with the one to go on from; its dropout is seeded either way."""
    if config.model.adapter is not None:
        wrapped = adapters.load(model, adapter_folder(config.model.adapter), trainable=True)
        torch.manual_seed(config.train.seed)
        return wrapped
    return adapters.attach(
        model,
        **config.lora.model_dump(),
        seed=config.train.seed,
        base_name=config.model.source.partition(":")[2] or str(folder),
    )
