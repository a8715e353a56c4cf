"""The run folder: the path of everything that belongs to a run, its state, and how runs are found by name."""

from __future__ import annotations

import os
from pathlib import Path

from offbook.core.errors import UsageError
from offbook.core.registry import nearest
from offbook.core.shell import offbook_command

LONGEST_NAME = 255
"""Bytes, on every common file system."""


def runs_root() -> Path:
    """The folder that holds the runs: `runs/` here, or where OFFBOOK_RUNS points; it need not be there yet.

    Raises:
        UsageError: something else is at that place.
    """
    root = Path(os.environ.get("OFFBOOK_RUNS", "runs"))
    if os.path.lexists(root) and not root.is_dir():
        raise UsageError(
            "{root}, where runs are kept, is no folder",
            "Rename it, or keep runs elsewhere: OFFBOOK_RUNS=DIR",
            root=root,
        )
    return root


class RunDir:
    """Names of what a run folder holds. Nothing is created until something is written."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    @property
    def config(self) -> Path:
        """run.yaml: the resolved config."""
        return self.path / "run.yaml"

    @property
    def environment(self) -> Path:
        """environment.json: versions, hardware, what the run took."""
        return self.path / "environment.json"

    @property
    def data(self) -> Path:
        """data/: the rows as they were split, and the report on them."""
        return self.path / "data"

    @property
    def checkpoints(self) -> Path:
        """checkpoints/: one folder a checkpoint."""
        return self.path / "checkpoints"

    @property
    def adapter(self) -> Path:
        """adapter/: the trained adapter with its tokenizer and persona."""
        return self.path / "adapter"

    @property
    def metrics(self) -> Path:
        """metrics.jsonl: one line a logged step."""
        return self.path / "metrics.jsonl"

    @property
    def loss_picture(self) -> Path:
        """loss.png: the loss curve."""
        return self.path / "loss.png"

    @property
    def samples(self) -> Path:
        """samples.json: base and tuned replies after the last step."""
        return self.path / "samples.json"

    @property
    def samples_log(self) -> Path:
        """samples.jsonl: replies to the fixed prompts while training."""
        return self.path / "samples.jsonl"

    @property
    def eval(self) -> Path:
        """eval.json: the scorecard with its verdict."""
        return self.path / "eval.json"

    @property
    def learning_curve(self) -> Path:
        """learning_curve.json: the losses after training on fewer of the rows."""
        return self.path / "learning_curve.json"

    @property
    def report(self) -> Path:
        """report.html: the verdict as a page."""
        return self.path / "report.html"

    @property
    def exports(self) -> Path:
        """export/: copies for other programs."""
        return self.path / "export"

    @property
    def trackers(self) -> Path:
        """swanlog/: what the trackers wrote."""
        return self.path / "swanlog"

    @property
    def chats(self) -> Path:
        """Conversations from the terminal."""
        return self.path / "chats"

    @property
    def lock(self) -> Path:
        """.lock: held by the process that writes the run."""
        return self.path / ".lock"

    @property
    def moving_out(self) -> Path:
        """Where outputs are gathered that are about to be deleted."""
        return self.path / ".old-run"

    @property
    def deleted(self) -> Path:
        """Outputs that are deleted, as soon as the disk is done with it."""
        return self.path / ".tmp-run"

    @property
    def writer(self) -> Path:
        """PID of the process that writes the run, and `memory_kills()` at its start; left behind by a killed one."""
        return self.path / ".writer"

    @property
    def exists(self) -> bool:
        """Whether training wrote here (a run.yaml alone may be somebody's settings), or a deletion was cut short."""
        if self.moving_out.is_dir() or self.deleted.is_dir():
            return True
        written = (self.environment, self.metrics, self.adapter / "persona.json")
        return self.config.is_file() and any(path.exists() for path in written)

    @property
    def begun(self) -> bool:
        """Whether training took a step, or was about to."""
        return self.metrics.exists() or self.checkpoints.is_dir()

    @property
    def finished(self) -> bool:
        """Whether training is over: the adapter appears as its last act, whole."""
        return self.adapter.is_dir()

    @property
    def running(self) -> bool:
        """Whether a process is writing the run."""
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
        """One of: running, deleting (a deletion was cut short), finished, stopped, empty."""
        if self.running:
            return "running"
        if self.moving_out.is_dir() or self.deleted.is_dir():
            return "deleting"
        if self.finished:
            return "finished"
        return "stopped" if self.begun else "empty"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def _repr_html_(self) -> str:
        """The run as a notebook shows it: its state and its held-out loss."""
        from offbook.core.metrics_log import points, read
        from offbook.core.notebook import card

        losses = points(read(self.metrics), "heldout_loss")
        rows = [("folder", str(self.path)), ("state", self.status)]
        if losses:
            rows.append(("held-out loss", f"{losses[0][1]:.3f} → {min(loss for _, loss in losses):.3f}"))
        if self.report.is_file():
            rows.append(("verdict", str(self.report)))
        return card(self.name, rows)


def list_runs() -> list[RunDir]:
    """All runs under the root, newest first."""
    root = runs_root()
    runs = [RunDir(path) for path in root.iterdir()] if root.is_dir() else []
    return sorted((run for run in runs if run.exists), key=_changed)[::-1]


def _changed(run: RunDir) -> float:
    return (run.config if run.config.is_file() else run.path).stat().st_mtime


def refuse_impossible(name: str | Path) -> None:
    """See that a file system can hold a path of that name at all; where it cannot, asking it is an error.

    Raises:
        UsageError: it cannot.
    """
    text = str(name)
    if "\0" in text or any(len(part.encode("utf-8", "surrogatepass")) > LONGEST_NAME for part in Path(text).parts):
        raise UsageError("no run '{name}'", "See `offbook runs list`.", name=f"{text[:40]}…")


def find_run(name: str | Path) -> RunDir:
    """The run of that path or name; a bare name means the run under the root, not a folder of that name here.

    Raises:
        UsageError: there is none; the nearest name is suggested.
    """
    refuse_impossible(name)
    here = RunDir(name)
    is_bare = Path(name).name == str(name)
    for run in (RunDir(runs_root() / name), here) if is_bare else (here,):
        if run.exists:
            return run
    if here.config.is_file():
        raise UsageError(
            "'{name}' has settings, but no run yet",
            "Make one: {command}",
            name=name,
            command=offbook_command("train", "-c", here.config),
        )
    names = [run.name for run in list_runs()]
    raise UsageError("no run '{name}'{hint}", "See `offbook runs list`.", name=name, hint=nearest(str(name), names))
