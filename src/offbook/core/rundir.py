"""The run folder: where each thing of a run lies, and how it is written so that no half of it is ever seen."""

from __future__ import annotations

import os
from pathlib import Path

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
