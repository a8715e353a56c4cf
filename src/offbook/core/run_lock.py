"""The lock of a run folder, one writing process at a time, and the deletion of a run's outputs, all or nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from offbook.core.atomic import atomic_write_text, sync
from offbook.core.errors import OffbookError, UsageError
from offbook.core.i18n import translate
from offbook.core.rundir import RunDir
from offbook.core.shell import offbook_command
from offbook.core.system_errors import system_reason
from offbook.core.text_file import read_text

VMSTAT = Path("/proc/vmstat")


@contextmanager
def training_lock(run: RunDir, *, resume: bool, overwrite: bool) -> Iterator[int | None]:
    """Context manager: hold the run's lock to train it.

    Nothing of an old run is touched: `delete_outputs` does that, once nothing else can fail.

    Yields:
        None if the last writer ended by itself. If it was killed: how many processes the system has killed for want of
        memory since that writer began.

    Raises:
        UsageError: another process writes the run; or it already exists and neither flag says what to do with it.
    """
    with locked(run):
        if not overwrite:
            refuse_existing(run, resume=resume)
        last = _last_writer(run)
        atomic_write_text(run.writer, f"{os.getpid()} {memory_kills()}")  # never through a link
        try:
            yield None if last is None else max(memory_kills() - last[1], 0)
        finally:
            run.writer.unlink(missing_ok=True)


@contextmanager
def locked(run: RunDir) -> Iterator[None]:
    """Hold the run's lock; one whose process is gone does not hold. What a killed `delete_outputs` left is repaired.

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
            "the run '{name}' is being written by another process{writer}",
            "Wait for it, or stop it first.",
            name=run.name,
            writer=_writer(run),
        ) from None
    except OSError as error:
        is_dangling = run.path.is_symlink() and not run.path.exists()
        reason = translate("it is a link that leads nowhere") if is_dangling else system_reason(error)
        raise UsageError(
            "cannot write in {path}: {reason}", "Choose another place: OFFBOOK_RUNS=DIR", path=run.path, reason=reason
        ) from None
    try:
        yield
    finally:
        lock.release()


def delete_outputs(run: RunDir) -> None:
    """Delete what a run wrote, except its settings and rows, which the next start replaces, and other people's files.

    The lock must be held. If the process is killed, either everything is still there (the next writer puts it back) or
    nothing is.
    """
    _delete(run, _outputs(run))


def remove(run: RunDir) -> list[Path]:
    """Delete a run.

    Returns:
        What is not the run's own and stays, with the run.yaml that may then be somebody's settings.

    Raises:
        UsageError: a process writes it, or it is a link to a folder elsewhere.
        OffbookError: the disk failed; a second attempt goes on from there.
    """
    if run.path.is_symlink():
        raise UsageError(
            "{path} is a link to {target}",
            "Remove the link itself, or the run where it lies: {command}",
            path=run.path,
            target=run.path.resolve(),
            command=offbook_command("runs", "rm", run.path.resolve()),
        )
    try:
        with locked(run):
            outputs = [*_outputs(run), run.chats, *(run.data / name for name in ROW_FILES)]
            foreign = _foreign(run, outputs)
            _delete(run, outputs if foreign else [*outputs, run.config])
            run.writer.unlink(missing_ok=True)
            left = [*foreign, run.config] if foreign and run.config.exists() else foreign
            with suppress(OSError):  # Windows removes it when it is let go
                run.lock.unlink()
        if not left:
            run.path.rmdir()
    except OSError as error:
        raise OffbookError(
            "could not delete all of {path}: {strerror}",
            "Try again: {command}",
            path=run.path,
            strerror=system_reason(error),
            command=offbook_command("runs", "rm", run.path),
        ) from error
    return sorted(left)


def held_bytes(run: RunDir) -> int:
    """How many bytes `delete_outputs` frees."""
    paths = [inner for path in _outputs(run) for inner in (path, *path.rglob("*"))]
    return sum(path.stat().st_size for path in paths if path.is_file())


def memory_kills() -> int:
    """How many processes Linux has killed for want of memory since it started; 0 where the system does not say."""
    try:
        text = VMSTAT.read_text(encoding="ascii")
    except OSError:
        return 0
    words = text.partition("\noom_kill ")[2].split()
    return int(words[0]) if words else 0


def refuse_existing(run: RunDir, *, resume: bool) -> None:
    """Refuse to train a run that already exists, unless it is to be resumed and is not finished.

    Raises:
        UsageError: it says how to go on.
    """
    if run.finished and resume:
        raise UsageError(
            "the run '{name}' is finished", "Start over with --overwrite, or choose another --name.", name=run.name
        )
    if resume or not (run.finished or run.begun):
        return
    if run.finished:
        raise UsageError(
            "the run '{name}' already exists (finished)",
            "Talk to it: {command}, or start over with --overwrite.",
            name=run.name,
            command=offbook_command("chat", run.path),
        )
    raise UsageError(
        "the run '{name}' already exists (stopped)",
        "Go on with it: {command}, or start over with --overwrite.",
        name=run.name,
        command=offbook_command("train", "-c", run.config, "--resume"),
    )


ROW_FILES = ("train.jsonl", "heldout.jsonl", "report.json")
"""What training writes into the run's data folder."""


def _outputs(run: RunDir) -> list[Path]:
    """What a run may have written, leftovers of killed writers included.

    The adapter comes first: a run that is half moved must not look finished.
    """
    records = (run.checkpoints, run.metrics, run.environment, run.loss_picture, run.samples, run.samples_log)
    paths = (run.adapter, run.exports, run.eval, run.report, run.learning_curve, *records, run.trackers)
    leftovers = [path for path in run.path.glob(".tmp-*") if path != run.deleted]
    return [*(path.with_name(prefix + path.name) for path in paths for prefix in ("", ".old-")), *leftovers]


def _foreign(run: RunDir, outputs: list[Path]) -> list[Path]:
    """What lies in the run's folder and is not the run's own."""
    kept_paths = {*outputs, run.config, run.lock, run.writer, run.moving_out, run.deleted}
    in_data = [run.data] if run.data.is_dir() and not {*run.data.iterdir()} <= kept_paths else []
    return [*(path for path in run.path.iterdir() if path not in kept_paths and path != run.data), *in_data]


def _delete(run: RunDir, paths: list[Path]) -> None:
    """Gather the paths in one folder, give it the name that means deleted, then take its time to delete it."""
    run.moving_out.mkdir()
    for path in paths:
        if path.exists() or path.is_symlink():
            target = run.moving_out / path.relative_to(run.path)
            target.parent.mkdir(exist_ok=True)
            path.rename(target)
    with suppress(OSError):  # not empty, or not there
        run.data.rmdir()
    run.moving_out.rename(run.deleted)
    sync(run.path)
    shutil.rmtree(run.deleted, ignore_errors=True)


def _put_back(run: RunDir) -> None:
    """Undo a deletion that was killed before it took effect, or finish one that was killed later."""
    if run.moving_out.is_dir():
        outputs = [*_outputs(run), run.chats, *(run.data / name for name in ROW_FILES), run.config]
        for path in reversed(outputs):  # the adapter last
            moved = run.moving_out / path.relative_to(run.path)
            if moved.exists() or moved.is_symlink():
                path.parent.mkdir(exist_ok=True)
                moved.rename(path)
        shutil.rmtree(run.moving_out)
    shutil.rmtree(run.deleted, ignore_errors=True)


def _last_writer(run: RunDir) -> tuple[int, int] | None:
    """(PID, memory kills at its start) of a writer that did not end by itself, or is still running."""
    try:
        pid, kills = read_text(run.writer).split()
        return int(pid), int(kills)
    except (OSError, ValueError):
        return None


def _writer(run: RunDir) -> str:
    last = _last_writer(run)
    return "" if last is None else f" (PID {last[0]})"
