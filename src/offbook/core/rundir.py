"""The run folder: where each thing of a run lies, and how it is written so that no half of it is ever seen."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from offbook.core.errors import UsageError
from offbook.core.registry import nearest

FULL = (errno.ENOSPC, errno.EDQUOT)
"""The system's words for a full disk and for a quota that is used up."""


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
    def samples_log(self) -> Path:
        return self.path / "samples.jsonl"

    @property
    def eval(self) -> Path:
        return self.path / "eval.json"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def exports(self) -> Path:
        return self.path / "export"

    @property
    def trackers(self) -> Path:
        return self.path / "swanlog"

    @property
    def lock(self) -> Path:
        return self.path / ".lock"

    @property
    def writer(self) -> Path:
        """PID of the process that writes the run, and `memory_kills()` at its start; left behind by a killed one."""
        return self.path / ".writer"

    @property
    def exists(self) -> bool:
        """Whether training wrote here: a run.yaml alone may be somebody's settings."""
        written = (self.environment, self.metrics, self.adapter / "persona.json")
        return self.config.is_file() and any(path.is_file() for path in written)

    @property
    def finished(self) -> bool:
        """The adapter appears as the last act of training, whole."""
        return self.adapter.is_dir()

    @property
    def running(self) -> bool:
        """Whether a process writes it now."""
        from filelock import FileLock, Timeout

        if not self.writer.exists():
            return False
        try:
            with FileLock(self.lock, timeout=0):
                return False  # its writer was killed
        except Timeout:
            return True
        except OSError:  # a read-only place
            return False

    @property
    def status(self) -> str:
        if self.running:
            return "running"
        if self.finished:
            return "finished"
        return "stopped" if self.metrics.exists() else "empty"


def list_runs() -> list[RunDir]:
    """All runs under the root, newest first."""
    root = runs_root()
    runs = [RunDir(path) for path in root.iterdir()] if root.is_dir() else []
    return sorted((run for run in runs if run.exists), key=lambda run: run.config.stat().st_mtime)[::-1]


def find_run(name: str | Path) -> RunDir:
    """The run of that path or name. A bare name means the run under the root, whatever lies here under that name.

    Raises:
        UsageError: there is none; the nearest name is offered.
    """
    here = RunDir(name)
    is_bare = Path(name).name == str(name)
    for run in (RunDir(runs_root() / name), here) if is_bare else (here,):
        if run.exists:
            return run
    if here.config.is_file():
        raise UsageError(f"'{name}' has settings, but no run yet", f"Make one: offbook train -c {here.config}")
    known = [run.name for run in list_runs()]
    raise UsageError(f"no run '{name}'{nearest(str(name), known)}", "See `offbook runs list`.")


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A temporary sibling of `target` to write in; it takes `target`'s place only if the block ends well.

    Every file and the folder are on disk before the rename, so after a crash `target` is absent, old or whole. The old
    one makes way by a rename of its own; a crash between the two is mended by `restore`, which every writer calls.

    Raises:
        OSError: ENOSPC if the disk filled up, whatever error the block made of it.
    """
    restore(target)
    temporary = target.with_name(f".tmp-{target.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        for path in sorted(temporary.rglob("*"), reverse=True):
            sync(path)
        sync(temporary)
        if target.exists():
            target.rename(_aside(target))
        temporary.rename(target)
        sync(target.parent)
        shutil.rmtree(_aside(target), ignore_errors=True)
    except BaseException as error:
        full = _is_full(temporary)
        shutil.rmtree(temporary, ignore_errors=True)
        restore(target)
        if full and isinstance(error, Exception) and not isinstance(error, OSError):
            # Libraries that write through C or Rust hide the system's error in one of their own.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target)) from error
        raise


def restore(target: Path) -> None:
    """Put the old `target` back if a writer died after it had made way and before the new one took its place."""
    old = _aside(target)
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
    elif old.exists():
        old.rename(target)


def _aside(target: Path) -> Path:
    return target.with_name(f".old-{target.name}")


def _is_full(folder: Path) -> bool:
    """Whether not even a mebibyte more can be written there (asked by trying: a quota is not seen in free space)."""
    try:
        (folder / ".probe").write_bytes(bytes(2**20))
    except OSError as error:
        return error.errno in FULL
    return False


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
    # Windows syncs only what is open for writing.
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
