"""What a resume needs to know: which checkpoint to take, whether it still fits, and with which token budget."""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from offbook.core import environment
from offbook.core.config import loading as configs
from offbook.core.config.schema import RunConfig
from offbook.core.errors import UsageError
from offbook.core.metrics_log import best_step
from offbook.core.progress import Reporter
from offbook.core.rundir import RunDir
from offbook.pipeline.setup import TrainingSetup
from offbook.training.checkpoint import FORMAT, CheckpointStore, is_whole, read_progress, verify

BASE_WEIGHTS = "the base model's weights"
INCOMPATIBLE = (BASE_WEIGHTS, "model.source", "lora.rank", "lora.target_modules", "lora.use_dora")
"""Options under which a checkpoint's tensors have other shapes, or mean something else."""


def refuse_other_format(manifest: dict[str, Any]) -> None:
    """Refuse a checkpoint that another version of offbook wrote in another format.

    Args:
        manifest: the checkpoint's.

    Raises:
        UsageError: saying what to do.
    """
    version = manifest.get("format", 1)
    if version != FORMAT:
        raise UsageError(
            "the run's checkpoints have format {found}, this offbook goes on from format {own}: dropout is drawn "
            "otherwise, and the run would not end as it began",
            "Finish it with the offbook that began it (environment.json names the version), or start over with "
            "--overwrite.",
            found=version,
            own=FORMAT,
        )


def refuse_changes(then: dict[str, Any], now: dict[str, Any], *, allowed: bool, reporter: Reporter) -> None:
    """Refuse to resume under other data, settings, versions or hardware than the checkpoint was written with.

    Args:
        then: the checkpoint's manifest.
        now: the fingerprint of the run as it is configured now.
        reporter: warned of what is given up.
        allowed: only warn of what is given up, unless the checkpoint cannot be used at all.

    Raises:
        UsageError: naming each difference.
    """
    parts = ("config", "versions", "hardware")
    changes = [change for part in parts for change in _differences(then.get(part, {}), now[part])]
    if then.get("data_sha256") != now["data_sha256"]:
        changes.insert(0, "the training data")
    if then.get("base_sha256") != now["base_sha256"]:
        changes.insert(0, BASE_WEIGHTS)
    if not changes:
        return
    listed = "; ".join(changes)
    useless = [change for change in changes if change.startswith(INCOMPATIBLE)]
    if useless:
        raise UsageError(
            "the checkpoint does not fit: changed since: {listed}",
            "Undo the change, or start over with --overwrite.",
            listed=listed,
        )
    if not allowed:
        raise UsageError(
            "cannot resume exactly: changed since the checkpoint: {listed}",
            "Undo the change, start over with --overwrite, or accept other final weights with --allow-inexact.",
            listed=listed,
        )
    reporter.warning(
        "going on although this changed since the checkpoint: {changes}. What is given up: the final weights "
        "will not be those of a run that was never stopped, and nobody can make them again from run.yaml alone.",
        changes=listed,
    )


def _differences(then: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    changes = []
    for key in sorted({*then, *now}):
        old, new = then.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            changes += _differences(old, new, f"{prefix}{key}.")
        elif old != new:
            changes.append(f"{prefix}{key} {old} → {new}")
    return changes


DEFAULT_MICRO_BATCH_TOKENS = 2048
"""`train.max_tokens_per_micro_batch` where the config names none."""


def newest_checkpoint(run: RunDir, keep: str, reporter: Reporter) -> Path | None:
    """Find the checkpoint to resume from; what killed writers left is put right, and damage is reported.

    Args:
        run: the run folder.
        keep: train.keep.
        reporter: warned of every damaged checkpoint.
    """
    store = CheckpointStore(run.checkpoints)
    store.clear_leftovers()
    newest, faults = store.newest(partial(required_step, store, keep))
    where = f"going on from {newest.name}" if newest is not None else "starting from the beginning"
    for fault in faults:
        reporter.warning("checkpoint {fault}; {where}.", fault=fault, where=where)
    best = required_step(store, keep, verify(newest)["step"]) if newest is not None else None
    if best is not None and not is_whole(store.folder(best)):
        reporter.warning(
            "the best state so far (step {step}) is lost: unless a later one is better, the adapter will be "
            "that of the last step.",
            step=best,
        )
    return newest


def fingerprint(setup: TrainingSetup) -> dict[str, Any]:
    """What a resume has to find unchanged: data, config, versions and hardware, for the checkpoint's manifest."""
    config = setup.config.model_dump(include={"model", "lora", "train"})
    for free in ("save_steps", "keep_checkpoints", "log_steps", "heldout_steps", "keep", "patience"):
        del config["train"][free]
    return {
        "data_sha256": setup.dataset.sha256,
        "base_sha256": setup.base.local.files,
        "config": config,
        "versions": environment.versions(),
        "hardware": environment.arithmetic(),
    }


def with_stored_choices(config: RunConfig, run: RunDir | None = None) -> RunConfig:
    """The config with what a run keeps from its first start: how a step is cut, the format and the date.

    Each is what the config says, what an earlier start of the run stored, or the default. The format of the products
    (`train.compute`) has no default: a first start chooses it when the model is loaded.
    """
    stored = configs.load_stored(run.config) if run is not None and run.config.is_file() else None
    budget = config.train.max_tokens_per_micro_batch
    budget = budget or (stored and stored.train.max_tokens_per_micro_batch) or DEFAULT_MICRO_BATCH_TOKENS
    count = config.train.micro_batches or (stored and stored.train.micro_batches) or 1
    compute = stored.train.compute if stored is not None and config.train.compute == "auto" else config.train.compute
    day = config.model.date or (stored and stored.model.date) or date.today().isoformat()
    train = {"max_tokens_per_micro_batch": budget, "micro_batches": count, "compute": compute}
    return config.model_copy(
        update={
            "train": config.train.model_copy(update=train),
            "model": config.model.model_copy(update={"date": day}),
        },
    )


def required_step(store: CheckpointStore, keep: str, step: int) -> int | None:
    """The step whose checkpoint a run that resumes from `step` will need: the best so far, if it lies behind.

    One that lies ahead is made again, by the same steps.

    Args:
        store: the run's checkpoints.
        keep: train.keep.
        step: of the checkpoint to resume from.
    """
    best = best_step(read_progress(store.folder(step))["metrics"]) if keep == "best" else None
    return best if best is not None and best < step else None
