"""The processes of `train --processes N`: this one, and others that it starts on the same machine.

With `auto` they are as many as this machine has cores and free memory for, and the cores are shared out among them:
small matrix products keep N processes of one thread busier than one process of N threads.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Literal

import psutil
import torch

from offbook.core import environment
from offbook.core.atomic import atomic_write_text
from offbook.core.config import loading as configs
from offbook.core.config.schema import RunConfig
from offbook.core.errors import UsageError
from offbook.core.launch import Launch, launched
from offbook.training.process_group import TIMEOUT, ProcessGroup, joined

Processes = int | Literal["auto"]
"""How many processes share each step of a run; see `affordable_processes`."""

LOOPBACK = "127.0.0.1"
FAREWELL = 10.0
"""Seconds in which a process that has nothing left to do ends by itself."""
MOST = 8
"""Processes that `auto` takes at most: a step of a few thousand tokens has no work for more."""
LOADING_BYTES = 2**30
"""What a process needs beside the weights while it loads them, each process its own."""
TRAINING_BYTES = 3 * 2**30
"""What a process needs beside the weights, which all hold together: activations of a micro-batch, the libraries."""


def affordable_processes(weights: int, micro_batches: int | None) -> int:
    """How many processes share the steps of a run best on this machine: one for each core that there is memory for.

    Args:
        weights: bytes of the base model's weights in float32.
        micro_batches: into how many a step is cut, if that is settled; more processes would have nothing to do.
    """
    if torch.cuda.is_available():
        room = torch.cuda.device_count()
    else:
        available = psutil.virtual_memory().available
        room = min(
            environment.usable_cores(),
            available // (weights + LOADING_BYTES),
            (available - weights) // TRAINING_BYTES,
        )
    return max(1, min(room, micro_batches or MOST, MOST))


@contextmanager
def threads_of_each(processes: int) -> Iterator[dict[str, str]]:
    """Context manager: this process computes with its share of the cores; yields what says so to the others.

    What the user has set (`OMP_NUM_THREADS`) stays.
    """
    if processes == 1 or "OMP_NUM_THREADS" in os.environ:
        yield {}
        return
    before, share = torch.get_num_threads(), max(1, environment.usable_cores() // processes)
    torch.set_num_threads(share)
    try:
        yield {"OMP_NUM_THREADS": str(share)}
    finally:
        torch.set_num_threads(before)


@contextmanager
def process_group(
    command: Callable[[Path], list[str]],
    processes: int = 1,
    timeout: float | None = None,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[ProcessGroup]:
    """Context manager: the processes of a run: those of a launcher, or as many as are asked for, on this machine.

    Args:
        command: what the processes that are started here are to do: given a folder for files that they need, the words
            after `offbook`.
        processes: how many; a launcher's number holds where there is one.
        timeout: seconds to wait for the others; default: ten minutes.
        variables: more for the environment of those that are started here.

    Raises:
        UsageError: a number below one.
        OffbookError: the others cannot be reached.
    """
    if processes < 1:
        raise UsageError("--processes {count}: there is at least one", "Give 1 or more.", count=processes)
    launch = launched()
    if launch.size > 1 or processes == 1:
        with joined(ProcessGroup(launch, timeout or TIMEOUT)) as group:
            yield group
        return
    with _temporary_folder() as folder, socket.create_server((LOOPBACK, 0)) as listener:
        first = Launch(0, processes, LOOPBACK, listener.getsockname()[1])
        workers = _Workers(command(folder), first, folder, variables)
        try:
            with joined(ProcessGroup(first, timeout or TIMEOUT, workers.fate, folder), listener) as group:
                yield group
            workers.wait()
        finally:
            workers.kill()


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """Context manager: a folder that is deleted, but for what is still mapped on Windows."""
    with TemporaryDirectory(prefix="offbook-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def train_command(config: RunConfig, timeout: float | None, folder: Path) -> list[str]:
    """The words after `offbook` for a process that shares a run's steps.

    Args:
        config: the run's settings, which are written to a file.
        timeout: seconds to wait for the others.
        folder: where the file goes.
    """
    atomic_write_text(folder / "run.yaml", configs.dump(config, Path.cwd()))
    return ["train", "-c", str(folder / "run.yaml"), *([] if timeout is None else ["--timeout", str(timeout)])]


class _Workers:
    """The processes beside this one: they say nothing, and end with this one."""

    def __init__(self, words: list[str], first: Launch, folder: Path, variables: Mapping[str, str]) -> None:
        self.folder, self.variables = folder, variables
        self.processes = {
            rank: self._start(words, Launch(rank, first.size, first.address, first.port))
            for rank in range(1, first.size)
        }

    def _start(self, words: list[str], launch: Launch) -> subprocess.Popen[bytes]:
        with self._log(launch.rank).open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "offbook", *words],
                env={**os.environ, **self.variables, **launch.variables(parent=os.getpid())},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _log(self, rank: int) -> Path:
        return self.folder / f"process-{rank}.log"

    def fate(self) -> str | None:
        """What became of the first process that has failed; None if all live or ended well."""
        for rank, process in self.processes.items():
            code = process.poll()
            if code is not None and code < 0:
                return f"process {rank} was killed ({signal.Signals(-code).name})"
            if code:
                lines = self._log(rank).read_text(encoding="utf-8", errors="replace").strip().splitlines()
                return f"process {rank} ended: {lines[-1] if lines else f'exit code {code}'}"
        return None

    def wait(self) -> None:
        """Let the others end by themselves."""
        for process in self.processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(FAREWELL)

    def kill(self) -> None:
        """End the others: they hold nothing that this one has not."""
        for process in self.processes.values():
            process.kill()
            process.wait()
