"""What can go wrong around a run, told so that a person knows what to change."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from offbook.core.config import RunConfig
from offbook.core.errors import OffbookError, UsageError


@contextmanager
def readable_failures(config: RunConfig) -> Iterator[None]:
    """Turn a full disk and exhausted memory into errors that name the option to change."""
    import torch

    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise _out_of_memory(config) from error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise OffbookError(
            f"the disk is full: {error.filename or 'a checkpoint'} could not be written; the one before is intact",
            "Make room, then go on with --resume (or keep fewer: --train.keep_checkpoints 1).",
        ) from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error) and "out of memory" not in str(error):
            raise
        raise _out_of_memory(config) from error


def refuse_small_disk(path: Path, needed: int) -> None:
    """Refuse to start a run that the disk cannot hold.

    Raises:
        UsageError: with the bytes needed and free.
    """
    folder = next(parent for parent in (path, *path.resolve().parents) if parent.exists())
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UsageError(
            f"the run needs {needed / 2**20:,.0f} MiB on disk, {free / 2**20:,.0f} MiB are free in {folder}",
            "Make room, keep fewer checkpoints (--train.keep_checkpoints 1), or move the runs (OFFBOOK_RUNS=DIR).",
        )


def refuse_changes(then: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuse to resume under other data, settings or versions than the checkpoint was written with.

    Raises:
        UsageError: naming each difference.
    """
    changes = [
        *_differences(then.get("config", {}), now["config"]),
        *_differences(then["versions"], now["versions"]),
    ]
    if then.get("data_sha256") != now["data_sha256"]:
        changes.insert(0, "the training data")
    if changes:
        raise UsageError(
            f"cannot resume exactly: changed since the checkpoint: {'; '.join(changes)}",
            "Undo the change, start over with --overwrite, or accept other final weights with --allow-inexact.",
        )


def _differences(then: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for key in sorted({*then, *now}):
        old, new = then.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            found += _differences(old, new, f"{prefix}{key}.")
        elif old != new:
            found.append(f"{prefix}{key} {old} → {new}")
    return found


def _out_of_memory(config: RunConfig) -> OffbookError:
    budget = config.train.max_tokens_per_pass or 0
    return OffbookError(
        f"out of memory with passes of up to {budget} tokens",
        f"Lower it: --train.max_tokens_per_pass {max(budget // 2, 16)}, or add --train.gradient_checkpointing true "
        "(the result stays the same).",
    )
