"""The run folder: where each thing of a run lies, and how it is written so that no half of it is ever seen."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from offbook.core.errors import UsageError
from offbook.core.registry import nearest


def runs_root() -> Path:
    """The folder that holds the runs: `runs/` here, or where OFFBOOK_RUNS points."""
    return Path(os.environ.get("OFFBOOK_RUNS", "runs"))


class RunDir:
    """Names of what a run folder holds. Nothing is created until something is written."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @property
    def name(self) -> str:
        return self.path.resolve().name

    @property
    def config(self) -> Path:
        return self.path / "run.yaml"

    @property
    def environment(self) -> Path:
        return self.path / "environment.json"

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def adapter(self) -> Path:
        return self.path / "adapter"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def loss_picture(self) -> Path:
        return self.path / "loss.png"

    @property
    def samples(self) -> Path:
        return self.path / "samples.json"

    @property
    def eval(self) -> Path:
        return self.path / "eval.json"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def trackers(self) -> Path:
        return self.path / "swanlog"

    @property
    def lock(self) -> Path:
        return self.path / ".lock"

    @property
    def writer(self) -> Path:
        """Holds the PID of the process that writes the run; left behind by one that was killed."""
        return self.path / ".writer"

    @property
    def finished(self) -> bool:
        """The adapter appears as the last act of training, whole."""
        return self.adapter.is_dir()

    @property
    def status(self) -> str:
        if self.finished:
            return "finished"
        return "stopped" if self.metrics.exists() else "empty"


def list_runs() -> list[RunDir]:
    """All runs under the root, newest first."""
    root = runs_root()
    folders = [path for path in root.iterdir() if (path / "run.yaml").is_file()] if root.is_dir() else []
    return [RunDir(path) for path in sorted(folders, key=lambda path: (path / "run.yaml").stat().st_mtime)[::-1]]


def find_run(name: str | Path) -> RunDir:
    """The run of that path or name.

    Raises:
        UsageError: there is none; the nearest name is offered.
    """
    for path in (Path(name), runs_root() / name):
        if (path / "run.yaml").is_file():
            return RunDir(path)
    known = [run.name for run in list_runs()]
    raise UsageError(f"no run '{name}'{nearest(str(name), known)}", "See `offbook runs list`.")


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A temporary sibling of `target` to write in; it takes `target`'s place only if the block ends well.

    Every file and the folder are on disk before the rename, so after a crash `target` is absent, old or whole.
    """
    temporary = target.with_name(f".tmp-{target.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        for path in sorted(temporary.rglob("*"), reverse=True):
            sync(path)
        sync(temporary)
        if target.exists():
            # Two renames: a crash between them leaves the old folder under a name that the next writer clears.
            old = target.with_name(f".old-{target.name}")
            shutil.rmtree(old, ignore_errors=True)
            target.rename(old)
            temporary.rename(target)
            shutil.rmtree(old, ignore_errors=True)
        else:
            temporary.rename(target)
        sync(target.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old content or the new, never a part."""
    temporary = path.with_name(f".tmp-{path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary.write_text(text, encoding="utf-8")
    sync(temporary)
    temporary.replace(path)
    sync(path.parent)


def write_json(path: Path, value: Any) -> None:
    """`write_whole` of a value as readable JSON."""
    write_whole(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def sync(path: Path) -> None:
    """fsync a file or a folder (a folder where the system allows it)."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def exclusive(run: RunDir, *, resume: bool, overwrite: bool) -> Iterator[None]:
    """Hold the run's lock: one writer at a time. A lock whose process is gone does not hold.

    Raises:
        UsageError: another process writes the run; or it is there already and neither flag says what to do with it.
    """
    from filelock import FileLock, Timeout

    if run.status != "empty" and not (resume or overwrite):
        how = "Talk to it: offbook chat" if run.finished else "Go on with it: add --resume to offbook train"
        raise UsageError(
            f"the run '{run.name}' is there already ({run.status})", f"{how}, or start over with --overwrite."
        )
    if run.finished and not overwrite:
        raise UsageError(f"the run '{run.name}' is finished", "Start over with --overwrite, or choose another --name.")
    try:
        run.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(run.lock, timeout=0)
        lock.acquire()
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
        if overwrite:
            _empty(run)
        run.writer.write_text(str(os.getpid()), encoding="utf-8")
        yield
        run.writer.unlink(missing_ok=True)
    finally:
        lock.release()


def _writer(run: RunDir) -> str:
    try:
        return f" (PID {int(run.writer.read_text(encoding='utf-8'))})"
    except (OSError, ValueError):
        return ""


def _empty(run: RunDir) -> None:
    """Remove all that a run wrote. The adapter goes first: a run that is being deleted must not look finished."""
    shutil.rmtree(run.adapter, ignore_errors=True)
    for path in run.path.iterdir():
        if path != run.lock:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
