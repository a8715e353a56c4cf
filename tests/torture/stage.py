"""A process that has everything imported and forks the runs that are to die: a run then costs a second, not ten.

with Stage() as stage:
    stage.begin(settings, runs)
    stage.kill()                   # or stage.signal(SIGTERM)
    stage.begin(settings, runs, "--resume").end()   → (exit code, what it said)
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.forks import import_everything
from tests.torture import shim

ROOT = Path(__file__).resolve().parents[2]


class Stage:
    """One process that forks; one run at a time."""

    def __init__(self) -> None:
        preload = {"LD_PRELOAD": shim.library() or ""}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.stage"],
            cwd=ROOT,
            env={**os.environ, **preload, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()  # all is imported: from here on a run's time is its own
        self.pid = 0
        self._said = Path()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *raised: object) -> None:
        self._process.kill()
        self._process.wait()

    def begin(
        self,
        settings: dict[str, Any],
        runs: Path,
        *flags: str,
        arm: list[Any] | None = None,
        memory: int | None = None,
    ) -> Stage:
        """Start `offbook train` with these settings and flags.

        Args:
            arm: (folder, number, action) for the shim.
            memory: bytes that the run may take beyond what the stage holds.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        runs.mkdir(parents=True, exist_ok=True)
        self._said = runs / "said.txt"
        task = {"settings": settings, "runs": str(runs), "flags": flags, "arm": arm, "memory": memory}
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        self.pid = int(self._process.stdout.readline())
        return self

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the run, if it still lives."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def end(self) -> tuple[int, str]:
        """Wait for the run: its exit code (−9 if it was killed) and what it said."""
        assert self._process.stdout is not None
        code = int(self._process.stdout.readline())
        return code, self._said.read_text(encoding="utf-8")

    def run(self, settings: dict[str, Any], runs: Path, *flags: str, arm: list[Any] | None = None) -> tuple[int, str]:
        """Begin and wait."""
        return self.begin(settings, runs, *flags, arm=arm).end()


def _serve() -> None:
    """Fork a run for each line of standard input: print its PID, then its exit code."""
    import_everything()
    print("ready", flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        child = os.fork()
        if child == 0:
            _perform(task)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _perform(task: dict[str, Any]) -> None:
    from offbook.cli.main import main

    os.environ["OFFBOOK_RUNS"] = task["runs"]
    texts = os.open(Path(task["runs"]) / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(texts, stream)
    words = [word for key, value in task["settings"].items() for word in (f"--{key}", json.dumps(value))]
    if task["memory"]:
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + task["memory"],) * 2)
    if task["arm"]:
        folder, number, action = task["arm"]
        shim.arm(Path(folder), number, shim.Action(action))
    code: Any = 1
    try:
        main(["train", *words, *task["flags"]])
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        if task["arm"]:
            counted = shim.calls()
            shim.arm(Path("/nowhere"), 0, shim.Action.COUNT)
            (Path(task["runs"]) / "calls.txt").write_text(str(counted), encoding="utf-8")
        sys.stderr.flush()
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
