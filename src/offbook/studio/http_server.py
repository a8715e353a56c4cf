"""The studio's process: one for a folder, on this computer alone unless a key says otherwise."""

from __future__ import annotations

import logging
import signal
import socket
import webbrowser
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from offbook.core.atomic import atomic_write_text
from offbook.core.errors import Stopped, UsageError
from offbook.core.progress import Reporter
from offbook.server.connections import http_config, reserve_file_descriptors
from offbook.server.listening import bind, check_access, is_loopback, key_of_environment, reachable
from offbook.studio.app import LanguageOfRequest, create_app
from offbook.studio.context import Studio
from offbook.studio.guard import StudioGuard
from offbook.studio.queue import JobQueue
from offbook.studio.sse import EventStreams
from offbook.studio.workspace import Workspace

PORT = 8600
SHUTDOWN_SECONDS = 1


def run(
    workspace: Path,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    allow_host: Sequence[str] = (),
    open_browser: bool = True,
    reporter: Reporter,
) -> None:
    """Be the studio of a folder until SIGINT or SIGTERM; its jobs go on after that.

    Args:
        workspace: the folder; it is made if it is not there.
        host: the address to listen on; others than this computer's own need a key in OFFBOOK_API_KEY.
        port: 0 takes a free one; None takes `PORT`, or a free one if it is taken.
        allow_host: further host names by which browsers may reach it.
        open_browser: whether the page is opened.
        reporter: is told the address.

    Raises:
        UsageError: the folder has a studio already, the port is taken, or a key is missing.
        Stopped: SIGTERM came.
    """
    key = key_of_environment()
    check_access(host, key, ())
    place = Workspace(workspace)
    previous = signal.signal(signal.SIGTERM, _on_sigterm)
    try:
        with place.locked(), _listener(host, port) as listener:
            number = listener.getsockname()[1]
            studio = Studio(place, JobQueue(place.jobs, place.root), f"offbook-studio-{number}", key or place.token())
            app = StudioGuard(
                LanguageOfRequest(create_app(studio)),
                host=host,
                token=studio.token,
                cookie=studio.cookie,
                allow_hosts=allow_host,
            )
            reserve_file_descriptors()
            studio.queue.start()
            try:
                ready = partial(_announce, reporter, studio, host, number, open_browser)
                _Server(app, ready, studio.streams).run([listener])
            finally:
                studio.queue.stop()
    finally:
        signal.signal(signal.SIGTERM, previous)


def _listener(host: str, port: int | None) -> socket.socket:
    if port is not None:
        return bind(host, port)
    try:
        return bind(host, PORT)
    except UsageError:
        return bind(host, 0)


def _announce(reporter: Reporter, studio: Studio, host: str, port: int, open_browser: bool) -> None:
    addresses = [f"http://{f'[{name}]' if ':' in name else name}:{port}/" for name in reachable(host)]
    atomic_write_text(studio.workspace.address, addresses[0] + "\n")
    first, *others = (f"{address}?token={studio.token}" for address in addresses)
    reporter.info("The studio is open: {address}", address=first)
    for address in others:
        reporter.info("From a phone or another computer on the same network: {address}", address=address)
    reporter.info("It works in {folder}. Stop it with Ctrl-C; what runs goes on.", folder=studio.workspace.root)
    if open_browser and is_loopback(host):
        webbrowser.open(first)


def _on_sigterm(_: int, __: FrameType | None) -> None:
    """Uvicorn raises the signal again when it has shut down."""
    raise Stopped("terminated", exit_code=128 + signal.SIGTERM)


class _Server(uvicorn.Server):
    """A uvicorn server that tells when it answers, and ends what pages listen to before it stops."""

    def __init__(self, app: Any, ready: Callable[[], None], streams: EventStreams) -> None:
        super().__init__(http_config(app, SHUTDOWN_SECONDS))
        self.ready = ready
        self.streams = streams

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.streams.close()
        # What is cut off nevertheless, a reply or a file that arrives, is what was asked for, and no news.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)
