"""How much of a download is here, counted where it is written: the clients draw bars of their own, or none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from offbook.core.progress import Reporter

POLL_SECONDS = 0.5


@contextmanager
def counting_bytes(folder: Path, size: int, reporter: Reporter) -> Iterator[None]:
    """Context manager: while it is open, the reporter is told how many bytes of `size` lie in the folder.

    Args:
        folder: where the files grow, whatever they are called meanwhile.
        size: bytes that will lie there at the end; 0 where nobody knows, and nothing is told.
        reporter: is told from a thread of its own.
    """
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(POLL_SECONDS):
            tell_bytes(reporter, _bytes_in(folder), size)

    watcher = threading.Thread(target=watch, name="arrival", daemon=True)
    if size:
        watcher.start()
    try:
        yield
    finally:
        stop.set()
        if size:
            watcher.join()


def tell_bytes(reporter: Reporter, done: int, size: int) -> None:
    """Report so many bytes of `size`."""
    reporter.progress(min(done, size), size, "byte")


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # a client renames what has arrived
            total += path.stat().st_size if path.is_file() else 0
    return total
