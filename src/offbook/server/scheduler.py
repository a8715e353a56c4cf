"""Where requests queue for the model: as many replies at once as it has slots, the others wait their turn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from offbook.generation.text_chunk import TextChunk

QUEUE = 64
"""Requests that may wait while all slots are taken."""


class QueueFullError(Exception):
    """Too many requests are waiting."""


class DrainingError(Exception):
    """The server is about to stop and begins no more replies."""


class RequestScheduler:
    """Runs generators of chunks in threads and hands the chunks to the event loop.

    Args:
        slots: replies that grow at the same time.
        queue: requests that may wait beyond those.
    """

    def __init__(self, slots: int, queue: int = QUEUE) -> None:
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="reply")
        self._limit = slots + queue
        self._pending: set[PendingReply] = set()
        self.draining = False

    @property
    def waiting(self) -> int:
        """Requests that have no slot yet."""
        return sum(not reply.started for reply in self._pending)

    @property
    def running(self) -> int:
        """Replies that are growing."""
        return len(self._pending) - self.waiting

    async def stream(self, generate: Callable[[], Iterator[TextChunk]]) -> AsyncIterator[TextChunk]:
        """Yield the chunks of a reply; when the reader goes away, the generator behind them is closed.

        Args:
            generate: starts the reply; called in a thread when a slot is free.

        Raises:
            QueueFullError: too many are waiting.
            DrainingError: no new replies are begun.
        """
        if self.draining:
            raise DrainingError
        if len(self._pending) >= self._limit:
            raise QueueFullError
        reply = PendingReply(generate, asyncio.get_running_loop())
        self._pending.add(reply)
        work = self._threads.submit(reply.work)
        try:
            while (item := await reply.queue.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            reply.cancelled.set()
            work.cancel()
            self._pending.discard(reply)

    def drain(self) -> None:
        """Begin no more replies."""
        self.draining = True

    def abort_all(self) -> None:
        """End every reply where it is."""
        for reply in list(self._pending):
            reply.abort()

    def close(self) -> None:
        """Wait for the threads; their replies must have been aborted."""
        self._threads.shutdown(cancel_futures=True)


class PendingReply:
    """One reply on its way from a thread to the event loop.

    Args:
        generate: starts the reply.
        loop: the loop that reads `queue`.
    """

    def __init__(self, generate: Callable[[], Iterator[TextChunk]], loop: asyncio.AbstractEventLoop) -> None:
        self.queue: asyncio.Queue[TextChunk | Exception | None] = asyncio.Queue()
        """What the reader gets: chunks, then None, or the exception that ended the reply."""
        self.cancelled = threading.Event()
        self.started = False
        self._generate = generate
        self._loop = loop
        self._tokens = 0

    def work(self) -> None:
        """Generate the reply, in a thread of the scheduler's."""
        if self.cancelled.is_set():
            return
        self.started = True
        try:
            with closing(self._generate()) as chunks:  # type: ignore[type-var]
                for chunk in chunks:
                    if self.cancelled.is_set():
                        return
                    self._tokens = chunk.tokens
                    self._send(chunk)
            self._send(None)
        except Exception as error:
            self._send(error)

    def abort(self) -> None:
        """End the reply as if it had reached its longest."""
        self.cancelled.set()
        self._send(TextChunk("", self._tokens, "length"))
        self._send(None)

    def _send(self, item: TextChunk | Exception | None) -> None:
        self._loop.call_soon_threadsafe(self.queue.put_nowait, item)


def stop_at_strings(chunks: Iterator[TextChunk], stop: list[str]) -> Iterator[TextChunk]:
    """Yield the chunks up to the first of the strings in `stop`, which is left out.

    Text that may be the beginning of one is held back until it is known.
    """
    held = ""
    for chunk in chunks:
        held += chunk.text
        end = min((at for at in map(held.find, stop) if at >= 0), default=None)
        if end is not None:
            yield TextChunk(held[:end], chunk.tokens, "stop")
            return
        keep = 0 if chunk.stop_reason else max((_overlap(held, string) for string in stop), default=0)
        if chunk.stop_reason or len(held) > keep or not chunk.tokens:
            yield TextChunk(held[: len(held) - keep], chunk.tokens, chunk.stop_reason)
            held = held[len(held) - keep :]


def _overlap(text: str, string: str) -> int:
    """Length of the longest beginning of `string` with which `text` ends."""
    return next((size for size in range(len(string) - 1, 0, -1) if text.endswith(string[:size])), 0)
