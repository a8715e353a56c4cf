"""What the processes of a run have in common before the first step: settings, data, base model, the state so far."""

from __future__ import annotations

import json
import shutil
import socket
from collections import Counter
from contextlib import suppress
from pathlib import Path

import torch
from torch import nn

from offbook.core import environment
from offbook.core.config.loading import PATH_OPTIONS
from offbook.core.config.schema import RunConfig
from offbook.core.errors import UsageError
from offbook.core.progress import Reporter
from offbook.core.rundir import RunDir
from offbook.models.shared_weights import map_weights, shareable_bytes, write_weights
from offbook.pipeline.setup import TrainingSetup
from offbook.training.process_group import ProcessGroup

SPARE_DISK_BYTES = 2**30
"""Free space that shared weights leave on the disk for temporary files."""


def with_settings_of_first(config: RunConfig, first: str) -> RunConfig:
    """The settings of process 0 with this machine's own paths, and without trackers.

    Args:
        config: this process's own settings.
        first: those of process 0, as JSON.
    """
    tree = json.loads(first)
    local = config.model_dump()
    for option in PATH_OPTIONS:
        section, name = option.split(".")
        tree[section][name] = local[section][name]
    tree["track"]["trackers"] = []
    return RunConfig.model_validate(tree)


def agree(group: ProcessGroup, setup: TrainingSetup, reporter: Reporter) -> None:
    """See that all processes have the same things, and join them for the steps; all call it.

    Args:
        group: the processes.
        setup: what this one has.
        reporter: warned where the result may differ in its last bits, or where processes have nothing to do.

    Raises:
        UsageError: naming what differs, where.
        OffbookError: a process is lost.
    """
    if group.size == 1:
        return
    if different := group.compare("same", setup.identity()):
        raise UsageError(
            "not the same as process 0 has: {differences}",
            "Give every machine the same files and the same versions, then start again.",
            differences="; ".join(different),
        )
    arithmetic = {name: str(value) for name, value in environment.arithmetic().items()}
    if different := group.compare("arithmetic", arithmetic):
        reporter.warning(
            "the processes compute differently: {differences}. Each rounds in its own way, so the result equals that "
            "of one process but for rounding, not to the last bit.",
            differences="; ".join(different),
        )
    _warn_of_busy_cores(group, reporter)
    steps = (setup.sampler[index] for index in range(min(8, len(setup.sampler))))
    micro_batches = max(len(setup.collate(step).micro_batches) for step in steps)
    if micro_batches < group.size:
        reporter.warning(
            "a step has {count} micro-batches for {processes} processes: some have nothing to do. Cut it into more "
            "with --train.micro_batches {processes} (it changes the sum's order, and so the last bits).",
            count=micro_batches,
            processes=group.size,
        )
    group.connect()


def _warn_of_busy_cores(group: ProcessGroup, reporter: Reporter) -> None:
    """Warn where the processes of a host have more threads than it has cores; all call it."""
    group.tell("threads", json.dumps([socket.gethostname(), torch.get_num_threads(), environment.usable_cores()]))
    if group.rank:
        return
    threads: Counter[str] = Counter()
    processes: Counter[str] = Counter()
    cores: dict[str, int] = {}
    for rank in range(group.size):
        host, count, cores[host] = json.loads(group.read("threads", rank))
        threads[host] += count
        processes[host] += 1
    for host, count in threads.items():
        if count > cores[host] and count > processes[host]:
            reporter.warning(
                "{processes} processes have {threads} threads together, and {host} has {cores} cores: they wait for "
                "each other. Start with OMP_NUM_THREADS={share} (it changes the last bits of the result).",
                processes=processes[host],
                threads=count,
                host=host,
                cores=cores[host],
                share=max(1, cores[host] // processes[host]),
            )


def share_weights(group: ProcessGroup, model: nn.Module) -> None:
    """Let processes that process 0 has started on its machine hold the frozen weights once; all call it.

    Where they are on several machines, or the disk lacks the room, each keeps its own.

    Raises:
        OffbookError: a process is lost.
    """
    path = group.share("weights", lambda: _written(model, group.folder)) if group.size > 1 else ""
    if not path:
        return
    map_weights(model, Path(path))
    group.compare("mapped", {})
    if group.rank == 0:
        with suppress(OSError):  # Windows deletes no file that is mapped
            Path(path).unlink()


def _written(model: nn.Module, folder: Path | None) -> str:
    """The path of the file with the frozen weights; empty if there is none."""
    size = shareable_bytes(model)
    if folder is None or not size or shutil.disk_usage(folder).free < size + SPARE_DISK_BYTES:
        return ""
    path = folder / "weights"
    write_weights(model, path)
    return str(path)


def send_state(group: ProcessGroup, run: RunDir, checkpoint: Path | None) -> None:
    """Send the other processes the state to go on from: the checkpoint, if there is one."""
    paths = [] if checkpoint is None else sorted(checkpoint.iterdir())
    names = [str(path.relative_to(run.path)) for path in paths]
    group.broadcast(json.dumps({"checkpoint": checkpoint and checkpoint.name, "files": names}).encode())
    for path in paths:
        group.broadcast(path.read_bytes())


def receive_state(group: ProcessGroup, run: RunDir) -> Path | None:
    """Receive into this process's scratch folder what process 0 sends; returns the checkpoint to go on from."""
    content = json.loads(group.broadcast(b""))
    for name in content["files"]:
        path = run.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(group.broadcast(b""))
    return None if content["checkpoint"] is None else run.checkpoints / content["checkpoint"]
