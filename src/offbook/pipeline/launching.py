"""The processes of `train --processes N`: this one, and others that it starts on the same machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from offbook.core.atomic import atomic_write_text
from offbook.core.config import loading as configs
from offbook.core.config.schema import RunConfig
from offbook.core.errors import UsageError
from offbook.core.launch import Launch, launched
from offbook.training.process_group import TIMEOUT, ProcessGroup, joined

LOOPBACK = "127.0.0.1"
FAREWELL = 10.0
"""Seconds in which a process that has nothing left to do ends by itself."""


@contextmanager
def process_group(
    command: Callable[[Path], list[str]], processes: int = 1, timeout: float | None = None
) -> Iterator[ProcessGroup]:
    """Context manager: the processes of a run: those of a launcher, or as many as are asked for, on this machine.

    Args:
        command: what the processes that are started here are to do: given a folder for files that they need, the words
            after `offbook`.
        processes: how many; a launcher's number holds where there is one.
        timeout: seconds to wait for the others; default: ten minutes.

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
    with TemporaryDirectory(prefix="offbook-") as folder, socket.create_server((LOOPBACK, 0)) as listener:
        first = Launch(0, processes, LOOPBACK, listener.getsockname()[1])
        workers = _Workers(command(Path(folder)), first, Path(folder))
        try:
            with joined(ProcessGroup(first, timeout or TIMEOUT, workers.fate), listener) as group:
                yield group
            workers.wait()
        finally:
            workers.kill()


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

    def __init__(self, words: list[str], first: Launch, folder: Path) -> None:
        self.folder = folder
        self.processes = {
            rank: self._start(words, Launch(rank, first.size, first.address, first.port))
            for rank in range(1, first.size)
        }

    def _start(self, words: list[str], launch: Launch) -> subprocess.Popen[bytes]:
        with self._log(launch.rank).open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "offbook", *words],
                env={**os.environ, **launch.variables(parent=os.getpid())},
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
