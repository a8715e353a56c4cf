"""One side of a comparison: a process that does its part whenever it is told, and waits in between."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
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
