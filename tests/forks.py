"""A process that has everything imported, and forks a process for each `offbook` command that a test needs.

with Forks() as forks:
    process = forks.start(["train", "-c", "run.yaml"], {"OFFBOOK_RUNS": "runs"}, Path("said.txt"))
    assert process.wait() == 0, process.texts()

Each is a process of its own, which can be killed like any other; only the imports are done once for all.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import offbook

ROOT = Path(__file__).resolve().parents[1]


IMPORTED_LATE = ["matplotlib.pyplot", "peft", "transformers.models.llama.modeling_llama", "sklearn.linear_model"]
"""What a run imports inside of functions: here beforehand, so that exhausted memory is met by the run itself."""


@dataclass(frozen=True, slots=True)
class Forked:
    """A process that was forked."""

    forks: Forks
    pid: int
    log: Path
    """What it writes on stdout and stderr."""

    def wait(self) -> int:
        """Wait for its end: its exit code, or minus the signal that killed it."""
        return self.forks.wait(self.pid)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it still lives."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def texts(self) -> str:
        """What it said."""
        return self.log.read_text(encoding="utf-8")


class Forks:
    """Starts processes of `offbook`."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.forks"],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def __enter__(self) -> Forks:
        return self

    def __exit__(self, *raised: object) -> None:
        self._server.kill()
        self._server.wait()

    def start(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        *,
        patches: Sequence[tuple[str, str]] = (),
        namespace: str | None = None,
    ) -> Forked:
        """Start a command.

        Args:
            words: of the command line, after `offbook`.
            environment: variables that it has besides those of the tests.
            log: where it writes what it says.
            patches: (module, key) of functions in that module's `PATCHES` that are called in it first.
            namespace: name of the network namespace that it is in.
        """
        task = {"words": words, "environment": environment, "log": str(log), "patches": patches, "namespace": namespace}
        return Forked(self, self._ask(task), log)

    def wait(self, pid: int) -> int:
        """Wait for a process: its exit code, or minus the signal that killed it."""
        return self._ask({"wait": pid})

    def _answer(self) -> str:
        assert self._server.stdout is not None
        return self._server.stdout.readline()

    def _ask(self, task: Mapping[str, Any]) -> int:
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(task) + "\n")
        self._server.stdin.flush()
        return int(self._answer())


def import_everything() -> None:
    """Import what a run may import, so that what is forked from here begins at once."""
    for module in pkgutil.walk_packages(offbook.__path__, "offbook."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in IMPORTED_LATE:
        importlib.import_module(name)
    torch.set_num_threads(1)


def _serve() -> None:
    """Fork a process for each task on standard input, and print its PID; or print how one that is waited for ended."""
    import_everything()
    print("ready", flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        if "wait" in task:
            print(os.waitstatus_to_exitcode(os.waitpid(task["wait"], 0)[1]), flush=True)
            continue
        child = os.fork()
        if child == 0:
            _perform(task)
        print(child, flush=True)


def _perform(task: Mapping[str, Any]) -> None:
    from offbook.cli.main import main

    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(task["environment"])
    log = os.open(task["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    code: Any = 1
    try:
        if task["namespace"]:
            namespace = os.open(f"/run/netns/{task['namespace']}", os.O_RDONLY)
            if ctypes.CDLL(None, use_errno=True).setns(namespace, 0):
                raise OSError(ctypes.get_errno(), "setns")
        for module, key in task["patches"]:
            importlib.import_module(module).PATCHES[key]()
        main(task["words"])
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
