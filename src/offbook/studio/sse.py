"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), made from files."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

MEDIA_TYPE = "text/event-stream"
POLL_SECONDS = 0.4
"""How often files are looked at while somebody listens."""
KEEP_ALIVE_SECONDS = 15.0
KEEP_ALIVE = b": still here\n\n"
"""What is sent where there is nothing to say, so that nobody takes the connection for dead."""
MAX_STREAMS = 32
"""Open streams: a page has one while it is in sight. Beyond them the oldest one ends, and its page asks again."""

Look = Callable[[], tuple[list[bytes], bool]]
"""→ the events that are new since it was last asked, and whether they were the last ones. It may take its time."""


def sse(data: Any, event: str = "message", number: int | str | None = None) -> bytes:
    """An event as it is sent.

    Args:
        data: its content, sent as JSON.
        event: its name.
        number: what a client sends back to go on after it.
    """
    head = f"event: {event}\n" + (f"id: {number}\n" if number is not None else "")
    return f"{head}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode("utf-8", "replace")


class EventStreams:
    """The open streams of a studio. Each looks at files every `POLL_SECONDS`; `MAX_STREAMS` are the most.

    One looks after the other: of hundreds that come at once, those that have to end meanwhile never look at all.
    """

    def __init__(self) -> None:
        self._open: list[asyncio.Event] = []
        """For each stream, oldest first: set when it has to end."""
        self._looking = asyncio.Lock()
        self._closed = False

    def __len__(self) -> int:
        return len(self._open)

    def close(self) -> None:
        """End all streams, and those that are still asked for: the studio stops. Their pages ask the next one."""
        self._closed = True
        for has_to_end in self._open:
            has_to_end.set()

    async def follow(self, look: Look) -> AsyncIterator[bytes]:
        """What `look` gives, until it gives the last of it, another stream takes its place, or the studio stops.

        Args:
            look: asked in a thread, so that nobody else waits.
        """
        has_to_end = asyncio.Event()
        self._open.append(has_to_end)
        if self._closed:
            has_to_end.set()
        if len(self._open) > MAX_STREAMS:
            self._open.pop(0).set()
        silent = 0.0
        try:
            while True:
                async with self._looking:
                    if has_to_end.is_set():
                        return
                    events, is_over = await asyncio.to_thread(look)
                for event in events:
                    yield event
                if is_over:
                    return
                silent = 0.0 if events else silent + POLL_SECONDS
                if silent >= KEEP_ALIVE_SECONDS:
                    silent = 0.0
                    yield KEEP_ALIVE
                if not events:  # else there may be more already
                    with suppress(TimeoutError):
                        await asyncio.wait_for(has_to_end.wait(), POLL_SECONDS)
        finally:
            if has_to_end in self._open:
                self._open.remove(has_to_end)
