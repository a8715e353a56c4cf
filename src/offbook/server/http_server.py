"""The server process: binds first, then loads, then serves until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import uvicorn

from offbook.core.errors import Stopped
from offbook.core.progress import NullReporter, Reporter
from offbook.server.api import create_app
from offbook.server.cast import Cast
from offbook.server.cast_sources import CastSources, CastWatcher
from offbook.server.connections import http_config, reserve_file_descriptors
from offbook.server.conversation import SystemPolicy
from offbook.server.idle import IdleClock
from offbook.server.listening import bind, check_access, key_of_environment, reachable
from offbook.server.middleware import Guard
from offbook.server.run_folders import version

DRAIN_SECONDS = 10.0
"""Replies that are growing when the server is told to stop have so long to end."""


def serve(
    runs: Sequence[str],
    *,
    everything: bool = False,
    host: str = "127.0.0.1",
    port: int = 8000,
    engine: str = "auto",
    system: SystemPolicy = "append",
    allow_host: Sequence[str] = (),
    allow_origin: Sequence[str] = (),
    base_model: str | None = None,
    template: str | None = None,
    upstream: str | None = None,
    idle: float | None = None,
    reporter: Reporter | None = None,
) -> None:
    """Serve characters until SIGINT or SIGTERM.

    Args:
        runs: run folders, names of runs, bare PEFT adapter folders, or folders of runs, which are watched.
        everything: whether all runs of the usual place are served, and watched, too.
        host: the address to listen on; others than this computer's own need a key in OFFBOOK_API_KEY.
        port: 0 takes a free one.
        engine: a name in `offbook.server.backends.ENGINES`, or auto.
        system: what a client's system prompt does.
        allow_host: further host names by which clients may reach the server.
        allow_origin: origins whose pages may use it from a browser.
        base_model: source of the base model, as for `offbook.load`.
        template: a built-in chat template by name, as for `offbook.load`.
        upstream: address of the server that runs the models, for the engine `openai`.
        idle: minutes without a request for a reply after which it ends by itself; None: never.
        reporter: is told the address.

    Raises:
        UsageError: the port is taken, a key is missing, or runs and engine are at fault.
        Stopped: SIGTERM came.
    """
    reporter = reporter or NullReporter()
    key = key_of_environment()
    check_access(host, key, allow_origin)
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
        previous = signal.signal(signal.SIGTERM, _on_sigterm)
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
