"""Runs a command for as long as whoever started this lives: `python -I guarded.py COMMAND…`, its input a pipe.

The pipe closes when its other end is gone, whatever ended it, kill -9 included; the command then gets SIGTERM, and what
is left of its process group SIGKILL a little later. Run by its path with `-I`: it imports nothing of offbook.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress

GRACE = 10.0
"""Seconds that the command has to end in."""


def run(command: Sequence[str]) -> int:
    """Run a command until it ends or this process's input does; its exit status."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=_wait_for_end_of_input, args=(process,), daemon=True).start()
    try:
        return process.wait()
    finally:
        _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))  # workers that outlive it


def _wait_for_end_of_input(process: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1024):
        pass
    _signal(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """Send a signal to the command and all that it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number) if hasattr(os, "killpg") else process.send_signal(number)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
