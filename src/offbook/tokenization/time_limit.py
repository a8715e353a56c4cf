"""A bound on the time that foreign code in a sandbox may take."""

from __future__ import annotations

import ctypes
import threading
import time


class TimeLimit:
    """Raises TimeoutError in the thread that is still inside the block when its time is up.

        limit = TimeLimit(seconds=5)
        with limit:
            template.render(…)

    One sleeping thread watches all blocks, so entering one costs microseconds. Python code is interrupted between two
    of its instructions, not within one that takes long by itself.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends: dict[int, float] = {}
        self._lock = threading.Lock()
        self._watch: threading.Thread | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._ends[threading.get_ident()] = time.monotonic() + self.seconds
            if self._watch is None or not self._watch.is_alive():  # a forked process starts without it
                self._watch = threading.Thread(target=self._interrupt, daemon=True)
                self._watch.start()

    def __exit__(self, *raised: object) -> None:
        with self._lock:
            self._ends.pop(threading.get_ident(), None)

    def _interrupt(self) -> None:
        while True:
            time.sleep(self.seconds / 4)
            with self._lock:
                over = [thread for thread, end in self._ends.items() if end < time.monotonic()]
                for thread in over:
                    del self._ends[thread]
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(TimeoutError))
