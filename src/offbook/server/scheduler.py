"""Where requests queue for the model: as many at once as it has slots, the others wait their turn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from offbook.generation.stream import TextChunk

QUEUE = 64
"""Requests that may wait while all slots are taken."""


class Busy(Exception):
    """The queue is full."""


class Draining(Exception):
    """The server is about to stop."""


class RequestScheduler:
    """Runs generators of pieces in threads and hands the pieces to the event loop.

    Args:
        slots: replies that grow at the same time.
        queue: requests that may wait beyond those.
    """

    def __init__(self, slots: int, queue: int = QUEUE) -> None:
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="reply")
        self._limit = slots + queue
        self._open: set[PendingReply] = set()
        self.draining = False

    @property
    def waiting(self) -> int:
        """Requests that have no slot yet."""
        return sum(not order.started for order in self._open)

    @property
    def running(self) -> int:
        """Replies that are growing."""
        return len(self._open) - self.waiting

    async def speak(self, pieces: Callable[[], Iterator[TextChunk]]) -> AsyncIterator[TextChunk]:
        """The pieces of a reply; when the reader goes away, the generator behind them is closed.

        Raises:
            Busy: too many are waiting.
            Draining: no new replies are begun any more.
        """
        if self.draining:
            raise Draining
        if len(self._open) >= self._limit:
            raise Busy
        order = PendingReply(pieces, asyncio.get_running_loop())
        self._open.add(order)
        work = self._threads.submit(order.work)
        try:
            while (arrived := await order.arrivals.get()) is not None:
                if isinstance(arrived, Exception):
                    raise arrived
                yield arrived
        finally:
            order.unwanted.set()
            work.cancel()
            self._open.discard(order)

    def drain(self) -> None:
        """Begin no more replies."""
        self.draining = True

    def cut(self) -> None:
        """End every reply where it is."""
        for order in list(self._open):
            order.cut()

    def close(self) -> None:
        """Wait for the threads; what they do must have been cut."""
        self._threads.shutdown(cancel_futures=True)


class PendingReply:
    """One reply on its way from a thread to the event loop."""

    def __init__(self, pieces: Callable[[], Iterator[TextChunk]], loop: asyncio.AbstractEventLoop) -> None:
        self.pieces = pieces
        self.loop = loop
        self.arrivals: asyncio.Queue[TextChunk | Exception | None] = asyncio.Queue()
        self.unwanted = threading.Event()
        self.started = False
        self.tokens = 0

    def work(self) -> None:
        if self.unwanted.is_set():
            return
        self.started = True
        try:
            with closing(self.pieces()) as pieces:  # type: ignore[type-var]
                for piece in pieces:
                    if self.unwanted.is_set():
                        return
                    self.tokens = piece.tokens
                    self._send(piece)
            self._send(None)
        except Exception as error:
            self._send(error)

    def cut(self) -> None:
        """End the reply as if it had reached its longest."""
        self.unwanted.set()
        self._send(TextChunk("", self.tokens, "length"))
        self._send(None)

    def _send(self, arrived: Any) -> None:
        self.loop.call_soon_threadsafe(self.arrivals.put_nowait, arrived)


def stop_at_strings(pieces: Iterator[TextChunk], stops: list[str]) -> Iterator[TextChunk]:
    """The pieces up to the first of the texts in `stops`, which is left out.

    Text that may be the beginning of one is held back until that is settled.
    """
    held = ""
    for piece in pieces:
        held += piece.text
        found = min((at for at in map(held.find, stops) if at >= 0), default=None)
        if found is not None:
            yield TextChunk(held[:found], piece.tokens, "stop")
            return
        keep = 0 if piece.stop_reason else max((_overlap(held, stop) for stop in stops), default=0)
        if piece.stop_reason or len(held) > keep:
            yield TextChunk(held[: len(held) - keep], piece.tokens, piece.stop_reason)
            held = held[len(held) - keep :]


def _overlap(text: str, stop: str) -> int:
    """Length of the longest beginning of `stop` with which `text` ends."""
    return next((size for size in range(len(stop) - 1, 0, -1) if text.endswith(stop[:size])), 0)
