"""What stands before every request: who may ask, how much, and how slowly."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from offbook.server.responses import error_body

MAX_BODY = 2**20
"""Bytes of a request body."""
BODY_SECONDS = 30.0
"""A body has to be here by then."""
SEND_SECONDS = 60.0
"""A client that takes nothing for so long is given up."""

LINGER_SECONDS = 0.5
"""What a refused client is still sending is taken in for so long."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")
OPEN_PATHS = ("/", "/health")
OPEN_PREFIX = "/page/"
"""What needs no key: the page, which asks for it, and the sign of life."""

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class RequestRejected(Exception):
    """A request that goes no further."""

    def __init__(self, status: int, message: str, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Guard:
    """ASGI middleware: Host, Origin, key, kind and size of the body, and how long a client may take.

    Args:
        host: the address that the server listens on.
        key: what clients have to show, or None (allowed on loopback alone).
    """

    def __init__(
        self,
        app: Any,
        *,
        host: str,
        key: str | None,
        body_seconds: float = BODY_SECONDS,
        send_seconds: float = SEND_SECONDS,
    ) -> None:
        self.app = app
        self.host = host
        self.key = key
        self.body_seconds = body_seconds
        self.send_seconds = send_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}

        async def send_with_timeout(message: dict[str, Any]) -> None:
            await asyncio.wait_for(send(message), self.send_seconds)

        try:
            self._check_source(headers)
            self._check_key(scope["path"], headers)
            body = await self._body(scope["method"], headers, receive)
        except RequestRejected as refused:
            await _refuse(receive, send, refused)
            return
        await self.app(scope, _replay(body, receive), send_with_timeout)

    def _check_source(self, headers: dict[str, str]) -> None:
        """A page of another site must not reach the server through its visitor's browser.

        The Host has to be a name that nobody else can point here (DNS rebinding), and an Origin has to be it.
        """
        host = headers.get("host", "")
        if not self._is_own(_host_name(host)):
            raise RequestRejected(403, "this Host is not served here", "host_not_allowed")
        origin = headers.get("origin")
        foreign = origin is not None and origin.partition("://")[2] != host
        if foreign or headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            raise RequestRejected(403, "requests from other sites are not answered", "origin_not_allowed")

    def _is_own(self, name: str) -> bool:
        if name in LOOPBACK or (name == self.host and name):
            return True
        if self.host in LOOPBACK:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            own = socket.gethostname().lower()
            return name in (own, f"{own}.local")
        return True

    def _check_key(self, path: str, headers: dict[str, str]) -> None:
        if self.key is None or path in OPEN_PATHS or path.startswith(OPEN_PREFIX):
            return
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(shown.encode("latin-1"), self.key.encode()):
            raise RequestRejected(401, "the API key is missing or wrong", "invalid_api_key")

    async def _body(self, method: str, headers: dict[str, str], receive: Receive) -> bytes:
        if method == "POST" and headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            # Browsers send JSON to another site only after asking, so this stops forms and simple scripts.
            raise RequestRejected(403, "Content-Type has to be application/json", "content_type_not_allowed")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            raise _TOO_LARGE
        try:
            return await asyncio.wait_for(_read(receive), self.body_seconds)
        except TimeoutError:
            raise RequestRejected(408, "the request took too long to arrive", "request_timeout") from None


_TOO_LARGE = RequestRejected(413, f"a request may have {MAX_BODY} bytes", "request_too_large")


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise _TOO_LARGE
        if not message.get("more_body", False):
            return body


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body again, then what comes after it (the client going away)."""
    given = False

    async def again() -> dict[str, Any]:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _host_name(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if ":" in host else host


async def _refuse(receive: Receive, send: Send, refused: RequestRejected) -> None:
    if refused.status != 413:
        # Hanging up on a client that is still sending would lose it the answer.
        with suppress(TimeoutError, RequestRejected):
            await asyncio.wait_for(_read(receive), LINGER_SECONDS)
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    if refused.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": error_body(str(refused), refused.code, refused.status)})
