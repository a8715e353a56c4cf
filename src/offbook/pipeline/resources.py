"""What can go wrong around a run, told so that a person knows what to change."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from offbook.core import metrics_log
from offbook.core.atomic import FULL
from offbook.core.config.schema import RunConfig
from offbook.core.errors import OffbookError, UsageError, is_out_of_memory
from offbook.core.progress import fill
from offbook.core.rundir import RunDir
from offbook.core.system_errors import system_reason
from offbook.core.text import format_bytes

NEARLY_ALL = 0.8
"""A run that was killed while it held this share of the machine's memory was killed for that."""


@contextmanager
def readable_failures(config: RunConfig, run: RunDir) -> Iterator[None]:
    """Turn exhausted memory and a disk that fails or is full into errors that say what to change."""
    try:
        yield
    except OffbookError:
        raise
    except pickle.UnpicklingError as error:
        raise OffbookError(
            "a checkpoint in {checkpoints} holds more than numbers; it was not opened",
            "Somebody has changed it: do not trust it, and start over with --overwrite.",
            checkpoints=run.checkpoints,
        ) from error
    except Exception as error:
        if is_out_of_memory(error):
            raise OffbookError(
                "out of memory with micro-batches of up to {tokens} tokens",
                "{advice}",
                tokens=config.train.max_tokens_per_micro_batch,
                advice=_spare_memory(config),
            ) from error
        if isinstance(error, OSError) and error.errno in FULL:
            raise _disk_full(run) from error
        if not _is_disk_failure(error):
            raise
        reason = system_reason(error) if isinstance(error, OSError) else error
        path = getattr(error, "filename", None) or run.path
        what = fill("{path}: {reason}", {"path": path, "reason": reason})
        raise OffbookError(
            "the disk failed: {detail}",
            "What was saved before is intact: go on with --resume once the disk works.",
            detail=what,
        ) from error


def memory_ran_out(run: RunDir, kills: int | None) -> bool:
    """Whether the run's last writer was killed because memory ran out.

    Either the system counted such a kill, or the writer held nearly all memory (some desktops kill earlier than the
    system, and count nothing).

    Args:
        run: the run folder.
        kills: what `training_lock` yields.
    """
    if kills is None:
        return False
    held = max((line.get("memory_bytes") or 0 for line in metrics_log.read(run.metrics)), default=0)
    return kills > 0 or held > NEARLY_ALL * psutil.virtual_memory().total


def memory_warning(config: RunConfig) -> str:
    """What to tell the user of a run that was killed for want of memory, and goes on."""
    return fill(
        "the last start of this run was killed, it seems because memory ran out (now micro-batches of up to {tokens} "
        "tokens). If it happens again: {advice}",
        {"tokens": config.train.max_tokens_per_micro_batch, "advice": _spare_memory(config)},
    )


def refuse_small_disk(path: Path, needed: int) -> None:
    """Refuse to start a run that the disk cannot hold.

    Raises:
        UsageError: with the bytes needed and free.
    """
    folder = next(parent for parent in (path, *path.resolve().parents) if parent.exists())
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UsageError(
            "the run needs {needed} on disk, {free} are free in {folder}",
            "Make room, keep fewer checkpoints (--train.keep_checkpoints 1), or move the runs (OFFBOOK_RUNS=DIR).",
            needed=format_bytes(needed),
            free=format_bytes(free),
            folder=folder,
        )


def _spare_memory(config: RunConfig) -> str:
    """The options that take less memory, most useful first, without those that are used already."""
    train = config.train
    half = max((train.max_tokens_per_micro_batch or 0) // 2, 16)
    also = [] if train.gradient_checkpointing else ["--train.gradient_checkpointing true"]
    also += [] if config.model.storage != "full" else ["--model.storage bfloat16"]
    return fill(
        "--train.max_tokens_per_micro_batch {half}{rest}; with --resume also --allow-inexact, since rounding changes.",
        {"half": half, "rest": f" ({', '.join(also)})" if also else ""},
    )


def _disk_full(run: RunDir) -> OffbookError:
    """A full disk, with what a checkpoint needs and what there is once the failed one has been removed."""
    free = shutil.disk_usage(run.path).free
    try:
        needed = json.loads((run.data / "report.json").read_text(encoding="utf-8"))["checkpoint_bytes"]
    except (OSError, ValueError, KeyError, TypeError):
        size = ""
    else:
        missing = format_bytes(max(needed - free, 0))
        size = fill(
            ", a checkpoint takes {needed}: {missing} are missing", {"needed": format_bytes(needed), "missing": missing}
        )
    return OffbookError(
        "the disk is full: {free} are free in {path}{size}; what was saved before is intact",
        "Make room, then go on with --resume (or keep fewer checkpoints: --train.keep_checkpoints 1).",
        free=format_bytes(free),
        path=run.path,
        size=size,
    )


def _is_disk_failure(error: Exception) -> bool:
    """Whether the system failed to read or write, also where a library hides its error in one of its own."""
    signs = ("os error", "PytorchStreamWriter", "unexpected pos", "iostream error")
    return isinstance(error, OSError) or any(sign in str(error) for sign in signs)
