"""The server process: binds first, then loads, then serves until it is told to stop."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import shlex
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from offbook.core.errors import UsageError
from offbook.core.progress import Reporter
from offbook.pipeline.adapter_source import resolve_character
from offbook.server.api import create_app
from offbook.server.backends import ServedModel, load_backend
from offbook.server.middleware import LOOPBACK, Guard
from offbook.server.scheduler import RequestScheduler

KEY = "OFFBOOK_API_KEY"
"""The environment variable with the key that clients have to show."""
DRAIN_SECONDS = 10.0
"""Replies that are growing when the server is told to stop have so long to end."""
HEADER_SECONDS = 15.0
"""A connection has to ask something by then."""
CONNECTIONS = 512


def serve(
    run: str,
    *,
    host: str,
    port: int,
    engine: str,
    force_system_prompt: bool,
    base_model: str | None,
    template: str | None,
    reporter: Reporter,
) -> None:
    """Serve a character until SIGINT or SIGTERM.

    Raises:
        UsageError: the port is taken, a key is missing, or run and engine are at fault.
    """
    key = os.environ.get(KEY) or None
    if key is None and not _is_loopback(host):
        raise UsageError(
            f"{host} can be reached by other computers, and no key protects the character",
            f"Set one that clients have to show: {KEY}=… offbook serve …",
        )
    listener = bind(host, port)
    with listener:
        voices = load_backend(run, engine, base_model=base_model, template=template, reporter=reporter)
        desk = RequestScheduler(voices.slots)
        app = Guard(create_app(voices, desk, force_system_prompt=force_system_prompt), host=host.lower(), key=key)
        try:
            server(app, desk, DRAIN_SECONDS, lambda: _announce(reporter, voices, listener, run)).run([listener])
        finally:
            desk.cut()
            desk.close()
            voices.close()


def _announce(reporter: Reporter, voices: ServedModel, listener: socket.socket, run: str) -> None:
    host, port = listener.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    reporter.info(
        "{name} is on ({engine}). Chat page: {address}/",
        name=voices.persona.name,
        engine=voices.engine,
        address=address,
    )
    reporter.info(
        "OpenAI clients: base_url={address}/v1, model={model}. Stop with Ctrl-C.", address=address, model=voices.name
    )
    if torch.cuda.is_available():
        reporter.info("For many users on this GPU: {command}", command=vllm_command(run, voices))


def vllm_command(run: str, voices: ServedModel) -> str:
    """The command by which vLLM serves the same adapter; clients then send the character's prompt themselves."""
    folder = resolve_character(run).adapter.resolve()
    rank = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))["r"]
    words = ["vllm", "serve", str(voices.base_folder()), "--enable-lora", "--max-lora-rank", str(max(rank, 8))]
    return shlex.join([*words, "--lora-modules", f"{voices.name}={folder}"])


def _is_loopback(host: str) -> bool:
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bind(host: str, port: int) -> socket.socket:
    """A listening socket, had before a model is loaded for nothing."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror}", "Choose another --port.") from None


def server(app: Any, desk: RequestScheduler, drain_seconds: float, ready: Callable[[], None]) -> uvicorn.Server:
    """A uvicorn server for the guarded application.

    Args:
        drain_seconds: replies that are growing when it is told to stop have so long to end.
        ready: called when it answers.
    """
    config = uvicorn.Config(
        app,
        http=HeaderTimeoutProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=int(drain_seconds) + 5,
    )
    return _Server(config, desk, drain_seconds, ready)


class _Server(uvicorn.Server):
    """uvicorn, with replies that end in order when it is told to stop."""

    def __init__(
        self, config: uvicorn.Config, desk: RequestScheduler, drain_seconds: float, ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self.desk = desk
        self.drain_seconds = drain_seconds
        self.ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()
        self.ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.desk.drain()
        seconds = 0 if sig == signal.SIGINT and self.should_exit else self.drain_seconds
        self.loop.call_soon_threadsafe(self.loop.call_later, seconds, self.desk.cut)
        super().handle_exit(sig, frame)


class HeaderTimeoutProtocol(H11Protocol):
    """uvicorn's HTTP, with an end to its patience: a connection that begins to ask and does not end is closed, be it
    the first request or a later one."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEADER_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        if self._deadline.cancelled() and not self._is_asked:
            self._deadline = self.loop.call_later(HEADER_SECONDS, self.transport.close)
        super().data_received(data)

    def handle_events(self) -> None:
        super().handle_events()
        if self._is_asked:
            self._deadline.cancel()

    @property
    def _is_asked(self) -> bool:
        """Whether a request has come whole, and is not answered yet."""
        return self.cycle is not None and not self.cycle.response_complete

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.cancel()
        super().connection_lost(exc)
