"""uvicorn's HTTP protocol, with deadlines for requests, and an end to silent connections where there are too many."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 15.0
"""A connection has to ask something by then."""
SEND_SECONDS = 60.0
"""A client that reads nothing of its answer for so long is given up."""
MAX_CONNECTIONS = 512
"""Open connections; beyond them the one that has been silent longest is closed, else the one that reads least."""
MAX_REQUESTS = 2 * MAX_CONNECTIONS
"""Requests that are being answered at once; beyond them the answer is 503."""
BACKLOG = 64
"""Connections that are accepted at once; each takes a file descriptor before it can be turned away."""


def reserve_file_descriptors() -> None:
    """Raise the process's limit of open files, as far as it may, so that `MAX_CONNECTIONS` fit under it."""
    if sys.platform == "win32":  # it has no such limit
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * MAX_CONNECTIONS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def http_config(app: Any, shutdown_seconds: int) -> uvicorn.Config:
    """How an application is served over HTTP.

    Args:
        app: the guarded ASGI application.
        shutdown_seconds: responses that are under way when the server is told to stop have so long to end.
    """
    return uvicorn.Config(
        app,
        http=HeaderTimeoutProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        backlog=BACKLOG,
        limit_concurrency=MAX_REQUESTS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=shutdown_seconds,
    )


class HeaderTimeoutProtocol(H11Protocol):
    """Closes a connection that begins a request and does not end it, or that does not read the answer.

    Where there are too many connections, such a one makes room for the new one.
    """

    _unread: asyncio.TimerHandle | None = None
    """While more waits for the client than the connection takes: when it is given up."""

    def connection_made(self, transport: Any) -> None:
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEADER_SECONDS, transport.close)
        if len(self.connections) > MAX_CONNECTIONS:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._deadline.cancelled() and not self._is_asked:
            self._deadline = self.loop.call_later(HEADER_SECONDS, self.transport.close)
        super().data_received(data)

    def handle_events(self) -> None:
        """See uvicorn."""
        super().handle_events()
        if self._is_asked:
            self._deadline.cancel()

    def pause_writing(self) -> None:
        """See asyncio.Protocol. What waits is dropped with the connection: closing it would wait for the client."""
        super().pause_writing()
        self._unread = self.loop.call_later(SEND_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        super().resume_writing()
        self._forget_unread()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._deadline.cancel()
        self._forget_unread()
        super().connection_lost(exc)

    @property
    def _is_asked(self) -> bool:
        """Whether a request has come whole, and is not answered yet."""
        return self.cycle is not None and not self.cycle.response_complete

    def _forget_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _make_room(self) -> None:
        """Close the connection that has been silent longest, else the one that has not read its answer longest."""
        others = [each for each in self.connections if each is not self and isinstance(each, HeaderTimeoutProtocol)]
        others = [each for each in others if not each.transport.is_closing()]
        waits = {each: each._deadline for each in others if not each._is_asked}
        waits = waits or {each: each._unread for each in others if each._unread is not None}
        if waits:
            min(waits, key=lambda each: waits[each].when()).transport.abort()
