"""A tracker is a guest: it runs in a process of its own, and whatever it does there, the run goes on.

It cannot prompt (it has no terminal), cannot be reached by the run's Ctrl-C, cannot hold its lock, and when the run is
killed it sees its input end and closes its files in order. One that hangs is given up after a bound.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from offbook.core.progress import Reporter

COMMAND = [sys.executable, "-m", "offbook.tracking.trackers"]
FINISH_SECONDS = 20.0
"""How long a tracker may take to close after the run."""


class TrackerProcess:
    """Sends the run's lines to one tracker, and never waits for it while the run goes on.

    Args:
        name: of the tracker, for the process and for warnings.
        settings: what the tracker needs to start (see `offbook.tracking.trackers`).
        log: file that takes whatever the tracker prints.
    """

    def __init__(self, name: str, settings: dict[str, Any], log: Path, reporter: Reporter) -> None:
        self.name = name
        self.reporter = reporter
        self.log = log
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = _begin(name, log)
        except OSError as error:
            reporter.warning(
                "{tracker} could not start ({error}); metrics.jsonl has everything.", tracker=name, error=error
            )
            return
        self._pump = threading.Thread(target=self._write, daemon=True)
        self._pump.start()
        self._send({"start": settings})

    def __call__(self, line: dict[str, Any]) -> None:
        """Pass on a line of metrics."""
        self._send({"log": line})

    def text(self, step: int, samples: dict[str, str]) -> None:
        """Pass on texts by name (replies to the fixed prompts)."""
        self._send({"text": samples, "step": step})

    def finish(self) -> None:
        """Let the tracker close its files; give it up after FINISH_SECONDS. Warns, never raises."""
        if self._process is None:
            return
        self._lines.put(None)
        try:
            code = self._process.wait(timeout=FINISH_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            self.reporter.warning(
                "{tracker} did not answer and was given up; metrics.jsonl has everything.", tracker=self.name
            )
            return
        if code != 0:
            reason = self._last_words() or f"exit code {code}"
            self.reporter.warning(
                "{tracker} failed ({reason}); metrics.jsonl has everything.", tracker=self.name, reason=reason
            )

    def _send(self, message: dict[str, Any]) -> None:
        if self._process is not None:
            self._lines.put(json.dumps(message, ensure_ascii=False) + "\n")

    def _write(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        pipe = self._process.stdin
        try:
            while (line := self._lines.get()) is not None:
                pipe.write(line.encode())
                pipe.flush()
            pipe.close()
        except OSError:
            return  # the tracker is gone; `finish` says so

    def _last_words(self) -> str:
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return f"{lines[-1][:200]}; see {self.log}" if lines else ""


def _begin(name: str, log: Path) -> subprocess.Popen[bytes]:
    """Start the tracker's process, without a terminal and out of reach of the run's Ctrl-C."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            [*COMMAND, name],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
