"""One side of a comparison: processes that do their part whenever they are told, and wait in between."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any


class Program:
    """A running command that answers each line it is given with a line of JSON."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, word: str) -> dict[str, Any]:
        """Its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.command} ended without an answer")
        return json.loads(line)

    def end(self) -> None:
        """No more is wanted."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


class SharedProgram:
    """offbook's step, shared by several processes that each have a thread (`steps/shared_steps.py`).

    Args:
        job: what `steps/common.py` reads.
        folder: where the jobs of the processes are written.
        processes: how many.
        threads: of each.
    """

    def __init__(self, job: dict[str, Any], folder: Path, processes: int, threads: int) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.programs = []
        for rank in range(processes):
            path = folder / f"{port}-{rank}.json"
            place = {"rank": rank, "size": processes, "port": port, "threads": threads}
            path.write_text(json.dumps({**job, **place}), encoding="utf-8")
            script = Path(__file__).parent / "steps" / "shared_steps.py"
            self.programs.append(Program([sys.executable, str(script), str(path)]))
        self.pool = ThreadPoolExecutor(processes)

    def send(self, word: str) -> dict[str, Any]:
        """The first one's answer, with the seconds of the slowest, and the processor time and memory of all.

        The pages of files that they share, weights and libraries, count once.
        """
        answers = list(self.pool.map(lambda program: program.send(word), self.programs))
        if word != "go":
            return answers[0]
        sums = {name: sum(answer[name] for answer in answers) for name in ("cpu", "peak_bytes")}
        sums["peak_bytes"] -= sum(answer["shared_bytes"] for answer in answers[1:])
        return {**answers[0], **sums, "seconds": max(answer["seconds"] for answer in answers)}

    def end(self) -> None:
        """No more is wanted."""
        for program in self.programs:
            program.end()
        self.pool.shutdown()
