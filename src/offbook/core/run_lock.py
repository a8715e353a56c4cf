"""Who may write a run: one process at a time. And how all that a run wrote goes, at once or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from offbook.core.atomic import sync
from offbook.core.errors import UsageError
from offbook.core.rundir import RunDir

VMSTAT = Path("/proc/vmstat")

MOVING_OUT, DELETED = ".old-run", ".tmp-run"
"""In the run's folder: what a run wrote while it is moved out of the way, and once it is given up."""


@contextmanager
def training_lock(run: RunDir, *, resume: bool, overwrite: bool) -> Iterator[int | None]:
    """Hold the run's lock to train it. Nothing of an old run is touched: that is `clear`'s, when all else is certain.

    Yields:
        None if the last writer ended by itself. If it was killed: how many processes the system has killed for want of
        memory since that writer began.

    Raises:
        UsageError: another process writes the run; or it is there already and neither flag says what to do with it.
    """
    with locked(run):
        if not overwrite:
            _refuse_existing(run, resume=resume)
        last = _last_writer(run)
        run.writer.write_text(f"{os.getpid()} {memory_kills()}", encoding="utf-8")
        try:
            yield None if last is None else max(memory_kills() - last[1], 0)
        finally:
            run.writer.unlink(missing_ok=True)


@contextmanager
def locked(run: RunDir) -> Iterator[None]:
    """Hold the run's lock; one whose process is gone does not hold. What a `clear` that was killed left is put right.

    Raises:
        UsageError: another process holds it, or nothing can be written there.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(run.lock, timeout=0)
    try:
        run.path.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        _put_back(run)
    except Timeout:
        raise UsageError(
            f"the run '{run.name}' is being written by another process{_writer(run)}",
            "Wait for it, or stop it first.",
        ) from None
    except OSError as error:
        raise UsageError(
            f"cannot write in {run.path}: {error.strerror}", "Choose another place: OFFBOOK_RUNS=DIR"
        ) from None
    try:
        yield
    finally:
        lock.release()


def clear(run: RunDir) -> None:
    """Delete what a run wrote, but its settings and rows, which the next beginning replaces, and nobody else's files.

    The lock must be held. A kill leaves either all of it, which the next writer puts back, or nothing.
    """
    leaving, gone = run.path / MOVING_OUT, run.path / DELETED
    leaving.mkdir()
    for path in _written(run):
        if path.exists():
            path.rename(leaving / path.name)
    leaving.rename(gone)
    sync(run.path)
    shutil.rmtree(gone, ignore_errors=True)


def remove(run: RunDir) -> list[Path]:
    """Delete a run; returns what is not its own and stays, with the run.yaml that may then be somebody's settings.

    Raises:
        UsageError: a process writes it.
    """
    with locked(run):
        clear(run)
        for name in ("train.jsonl", "heldout.jsonl", "report.json"):
            (run.data / name).unlink(missing_ok=True)
        with suppress(OSError):  # not empty, or not there
            run.data.rmdir()
        run.writer.unlink(missing_ok=True)
        left = sorted(path for path in run.path.iterdir() if path != run.lock)
        if left == [run.config]:
            run.config.unlink()
            left = []
        with suppress(OSError):  # Windows removes it when it is let go
            run.lock.unlink()
    if not left:
        run.path.rmdir()
    return left


def held_bytes(run: RunDir) -> int:
    """How much room `clear` makes."""
    paths = [inner for path in _written(run) for inner in (path, *path.rglob("*"))]
    return sum(path.stat().st_size for path in paths if path.is_file())


def memory_kills() -> int:
    """How many processes Linux has killed for want of memory since it started; 0 where the system does not say."""
    try:
        told = VMSTAT.read_text(encoding="ascii")
    except OSError:
        return 0
    words = told.partition("\noom_kill ")[2].split()
    return int(words[0]) if words else 0


def _refuse_existing(run: RunDir, *, resume: bool) -> None:
    """Refuse to train a run that is there, unless it is to go on and has not ended."""
    if run.finished and resume:
        raise UsageError(f"the run '{run.name}' is finished", "Start over with --overwrite, or choose another --name.")
    if resume or not (run.finished or run.metrics.exists()):
        return
    state = "finished" if run.finished else "stopped"
    how = "Talk to it: offbook chat" if run.finished else "Go on with it: add --resume to offbook train"
    raise UsageError(f"the run '{run.name}' is there already ({state})", f"{how}, or start over with --overwrite.")


def _written(run: RunDir) -> list[Path]:
    """What a run may have written, with the leavings of writers that were killed. The adapter comes first: a run that
    is half moved must not look finished."""
    records = (run.checkpoints, run.metrics, run.environment, run.loss_picture, run.samples, run.samples_log)
    paths = (run.adapter, run.exports, run.eval, run.report, *records, run.trackers)
    return [path.with_name(prefix + path.name) for path in paths for prefix in ("", ".old-", ".tmp-")]


def _put_back(run: RunDir) -> None:
    """Undo a `clear` that was killed before the old run was given up, or end one that was killed after that."""
    leaving = run.path / MOVING_OUT
    if leaving.is_dir():
        for path in reversed(_written(run)):
            if (leaving / path.name).exists():
                (leaving / path.name).rename(path)
        leaving.rmdir()
    shutil.rmtree(run.path / DELETED, ignore_errors=True)


def _last_writer(run: RunDir) -> tuple[int, int] | None:
    """(PID, memory kills at its start) of a writer that did not end by itself, or is still at work."""
    try:
        pid, kills = run.writer.read_text(encoding="utf-8").split()
        return int(pid), int(kills)
    except (OSError, ValueError):
        return None


def _writer(run: RunDir) -> str:
    last = _last_writer(run)
    return "" if last is None else f" (PID {last[0]})"
