"""uvicorn's HTTP protocol, with deadlines for requests, and an end to silent connections where there are too many."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 15.0
"""A connection has to ask something by then."""
MAX_CONNECTIONS = 512
"""Open connections; beyond them the one that has been silent longest is closed."""
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
        timeout_keep_alive=30,
        timeout_graceful_shutdown=shutdown_seconds,
    )


class HeaderTimeoutProtocol(H11Protocol):
    """Closes a connection that begins a request and does not end it, be it the first request or a later one.

    Where there are too many connections, the one that has been silent longest makes room for the new one.
    """

    def connection_made(self, transport: Any) -> None:
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEADER_SECONDS, transport.close)
        if len(self.connections) > MAX_CONNECTIONS:
            self._close_a_silent_one()

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

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._deadline.cancel()
        super().connection_lost(exc)

    @property
    def _is_asked(self) -> bool:
        """Whether a request has come whole, and is not answered yet."""
        return self.cycle is not None and not self.cycle.response_complete

    def _close_a_silent_one(self) -> None:
        others = [each for each in self.connections if each is not self and isinstance(each, HeaderTimeoutProtocol)]
        silent = [each for each in others if not each._is_asked and not each.transport.is_closing()]
        if silent:
            min(silent, key=lambda each: each._deadline.when()).transport.abort()
