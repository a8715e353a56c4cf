"""The server process: binds first, then loads, then serves until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import uvicorn

from offbook.core.errors import Stopped
from offbook.core.progress import Reporter
from offbook.server.api import create_app
from offbook.server.cast import Cast
from offbook.server.cast_sources import CastSources, CastWatcher
from offbook.server.connections import http_config, reserve_file_descriptors
from offbook.server.conversation import SystemPolicy
from offbook.server.idle import IdleClock
from offbook.server.listening import bind, key_of_environment, reachable
from offbook.server.middleware import Guard
from offbook.server.run_folders import version

DRAIN_SECONDS = 10.0
"""Replies that are growing when the server is told to stop have so long to end."""


def serve_cast(
    runs: Sequence[str],
    *,
    everything: bool,
    host: str,
    port: int,
    engine: str,
    system: SystemPolicy,
    allow_host: Sequence[str],
    allow_origin: Sequence[str],
    base_model: str | None,
    template: str | None,
    upstream: str | None,
    idle: float | None,
    reporter: Reporter,
) -> None:
    """Serve what `offbook.serve` was told to; arguments and errors are its own."""
    key = key_of_environment()
    chosen = CastSources(runs, everything, engine, base_model, template, reporter, upstream)
    listener = bind(host, port)
    with listener:
        sources = chosen.resolve()
        chosen.announce_bases(sources)
        cast = Cast(chosen.open_base)
        watcher = CastWatcher(cast, chosen)

        def manage(add: Sequence[str], remove: Sequence[str]) -> None:
            cast.add([chosen.run_of(name) for name in add], version)
            for name in remove:
                cast.remove(name)

        clock = IdleClock(create_app(cast, system=system, manage=None if key is None else manage))
        app = Guard(
            clock,
            host=host,
            key=key,
            allow_hosts=allow_host,
            allow_origins=allow_origin,
        )
        reserve_file_descriptors()
        is_main = threading.current_thread() is threading.main_thread()  # no other one may set what a signal does
        previous = signal.signal(signal.SIGTERM, _on_sigterm) if is_main else None
        try:
            cast.add(sources, version)
            watcher.start()
            running = server(app, cast, DRAIN_SECONDS, lambda: _announce(reporter, cast, listener))
            if idle is not None:
                running.is_over = lambda: clock.seconds > 60 * idle
            running.run([listener])
            if running.is_over():
                reporter.info("Nobody has asked for a reply for {minutes} minutes: it has ended.", minutes=f"{idle:g}")
        finally:
            watcher.stop()
            cast.abort_all()
            watcher.join()
            cast.close()
            if is_main:
                signal.signal(signal.SIGTERM, previous)


def _on_sigterm(_: int, __: FrameType | None) -> None:
    """Uvicorn raises the signal again when it has shut down; what this process has to tidy up comes after that."""
    raise Stopped("terminated", exit_code=128 + signal.SIGTERM)


def _announce(reporter: Reporter, cast: Cast, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    addresses = reachable(host)
    urls = [f"http://{f'[{address}]' if ':' in address else address}:{port}" for address in addresses]
    models = [member.model for member in cast.members]
    engines = " + ".join(dict.fromkeys(model.engine for model in models))
    names = ", ".join(model.persona.name for model in models)
    reporter.info("{name} is on ({engine}). Chat page: {address}/", name=names, engine=engines, address=urls[0])
    for url in urls[1:]:
        reporter.info("From a phone or another computer on the same network: {address}/", address=url)
    reporter.info(
        "OpenAI clients: base_url={address}/v1, model={model}. Stop with Ctrl-C.",
        address=urls[0],
        model=", ".join(model.name for model in models),
    )


def server(app: Any, cast: Cast, drain_seconds: float, ready: Callable[[], None]) -> _Server:
    """A uvicorn server for the guarded application.

    Args:
        app: the ASGI application.
        cast: whose replies are to end when the server stops.
        drain_seconds: replies that are growing when it is told to stop have so long to end.
        ready: called when it answers.
    """
    config = http_config(app, int(drain_seconds) + 5)
    return _Server(config, cast, drain_seconds, ready)


class _Server(uvicorn.Server):
    """A uvicorn server with replies that end in order when it is told to stop."""

    def __init__(self, config: uvicorn.Config, cast: Cast, drain_seconds: float, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.cast = cast
        self.drain_seconds = drain_seconds
        self.ready = ready
        self.is_over: Callable[[], bool] = lambda: False
        """Whether it is to end by itself."""

    async def on_tick(self, counter: int) -> bool:
        """See uvicorn; it is asked ten times a second whether the server is to end."""
        return await super().on_tick(counter) or self.is_over()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()
        self.ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.cast.drain()
        seconds = 0 if sig == signal.SIGINT and self.should_exit else self.drain_seconds
        self.loop.call_soon_threadsafe(self.loop.call_later, seconds, self.cast.abort_all)
        super().handle_exit(sig, frame)
