"""Mistakes that can be found without torch, so that they are told in an instant instead of after seconds of imports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from offbook.core.config.loading import load
from offbook.core.config.schema import BASE, RunConfig, is_hub
from offbook.core.errors import UsageError
from offbook.core.run_lock import refuse_existing
from offbook.core.rundir import RunDir, runs_root
from offbook.hub.pull import find_folder
from offbook.pipeline.adapter_source import resolve_character


def refuse_missing(config: RunConfig) -> None:
    """See that everything on this computer that the config names is there.

    Raises:
        UsageError: a data file, the model's folder or the adapter to go on from is missing.
    """
    for path in _data_files(config):
        refuse_missing_file(path)
    if not is_hub(config.model.source):
        find_folder(config.model.source)
    if config.model.adapter is not None:
        resolve_character(config.model.adapter)


def refuse_missing_file(path: Path) -> None:
    """See that a file or folder exists.

    Raises:
        UsageError: it does not.
    """
    if not path.exists():
        raise UsageError(
            "{path}: no such file",
            "Check the path.",
            path=path,
        )


def refuse_finished(config: RunConfig, *, resume: bool, overwrite: bool) -> None:
    """See that training would not touch an existing run that is neither to be resumed nor to be overwritten.

    Raises:
        UsageError: it would.
    """
    run = RunDir(runs_root() / config.name)
    if not overwrite and not (resume and lacks_verdict(run)):
        refuse_existing(run, resume=resume)


def lacks_verdict(run: RunDir) -> bool:
    """Whether a run is finished but for its verdict: it was stopped, or the verdict failed, while that was made."""
    heldout = run.data / "heldout.jsonl"
    if not run.finished or run.eval.is_file() or not heldout.is_file() or not heldout.stat().st_size:
        return False
    return load(run.config).evaluate.prompts > 0


def _data_files(config: RunConfig) -> Iterator[Path]:
    data = config.data
    sources = [data.source] if isinstance(data.source, str) else data.source
    replay = None if data.replay == BASE else data.replay
    for source in (*sources, data.heldout_source, replay):
        if source is not None and not is_hub(source):
            yield Path(source)
