"""What stands before every request: who may ask, how much, and how slowly."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import os
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from offbook.server.responses import error_body

MAX_BODY = 2**20
"""Bytes of a request body."""
BODY_SECONDS = 30.0
"""A body has to be here by then."""
LINGER_SECONDS = 0.5
"""What a rejected client is still sending is read for so long."""

WITH_BODY = ("POST", "PUT", "PATCH")
"""Methods whose requests have to bring JSON."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")
OPEN_PATHS = ("/", "/health")
OPEN_PREFIX = "/page/"
"""What needs no key: the page, which asks for it, and the health check."""

OTHER_SITE = (
    "requests from other sites and from programs built as web pages are not answered, "
    "unless the server was started with --allow-origin and the Origin that they send"
)

_HOST = re.compile(r"(?:\[(?P<ipv6>[0-9a-fA-F:.]+)\]|(?P<name>[^\s:/?#@\[\]\\]+))(?::\d{0,5})?")
"""`host [":" port]` of RFC 3986, section 3.2, without user information."""

_HEADER_NAMES = re.compile(r"[\w-]+(?: *, *[\w-]+)*", re.ASCII)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class RequestRejected(Exception):
    """A request that goes no further.

    Args:
        status: of the response.
        message: what the client is told.
        code: the same for programs.
    """

    def __init__(self, status: int, message: str, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Guard:
    """ASGI middleware: Host, Origin, key, kind and size of the body, and how long it may take to arrive.

    Args:
        app: the application that it stands before.
        host: the address that the server listens on.
        key: what clients have to show, or None (allowed on loopback alone).
        allow_hosts: further names by which clients may reach the server.
        allow_origins: origins (`https://example.org`) whose pages may use it from a browser; "*" for all.
        body_seconds: how long a body may take to arrive.
    """

    def __init__(
        self,
        app: Any,
        *,
        host: str,
        key: str | None,
        allow_hosts: Sequence[str] = (),
        allow_origins: Sequence[str] = (),
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self.app = app
        self.host = host.lower()
        self.key = None if key is None else os.fsencode(key)
        self.allow_hosts = {name.lower() for name in allow_hosts}
        self.allow_origins = {re.sub("(?<=[^/])/$", "", origin.lower()) for origin in allow_origins}
        self.body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        allowed_origin = self._allowed_origin(headers)

        async def send_answer(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start" and allowed_origin:
                message = {**message, "headers": [*message["headers"], *_cors_headers(allowed_origin)]}
            await send(message)

        try:
            self._check_source(headers, allowed_origin)
            if scope["method"] == "OPTIONS" and allowed_origin:  # a browser asks whether it may send the request
                await _answer_preflight(headers, send_answer)
                return
            self.check_access(scope, headers)
            receive_body = await self.receive_body(scope, headers, receive)
        except RequestRejected as rejection:
            await _reject(receive, send_answer, rejection, self.rejection_page(rejection, headers))
            return
        await self.app(scope, receive_body, send_answer)

    def _allowed_origin(self, headers: dict[str, str]) -> str | None:
        origin = headers.get("origin")
        return origin if origin and (origin.lower() in self.allow_origins or "*" in self.allow_origins) else None

    def _check_source(self, headers: dict[str, str], allowed_origin: str | None) -> None:
        """A page of another site must not reach the server through its visitor's browser.

        The Host has to be a name that nobody else can point here (DNS rebinding), and an Origin has to be it.
        """
        host = headers.get("host", "")
        name = _host_name(host)
        if name is None or not self._is_own(name):
            raise RequestRejected(403, "this Host is not served here", "host_not_allowed")
        if allowed_origin or "*" in self.allow_origins:
            return
        origin = headers.get("origin")
        foreign = origin is not None and origin.partition("://")[2].lower() != host.lower()
        if foreign or headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            raise RequestRejected(403, OTHER_SITE, "origin_not_allowed")

    def _is_own(self, name: str) -> bool:
        if name in LOOPBACK or name in self.allow_hosts or (name == self.host and name):
            return True
        if self.host in LOOPBACK:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            hostname = socket.gethostname().lower()
            return name in (hostname, f"{hostname}.local")
        return True

    def check_access(self, scope: Scope, headers: dict[str, str]) -> None:
        """See that a client may ask for this.

        Raises:
            RequestRejected: it has not shown the key.
        """
        path = scope["path"]
        if self.key is None or path in OPEN_PATHS or path.startswith(OPEN_PREFIX):
            return
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self.is_key(shown):
            raise RequestRejected(401, "the API key is missing or wrong", "invalid_api_key")

    def is_key(self, shown: str) -> bool:
        """Whether what a client shows is the key; it takes as long either way."""
        return self.key is not None and hmac.compare_digest(shown.encode("latin-1", "replace"), self.key)

    def rejection_page(self, rejection: RequestRejected, headers: dict[str, str]) -> bytes | None:
        """The web page that tells a person of a rejection; None where a program is told in JSON."""
        return None

    async def receive_body(self, scope: Scope, headers: dict[str, str], receive: Receive) -> Receive:
        """The body of a request, for the application to receive, once all of it is here.

        Raises:
            RequestRejected: its kind or size is not taken, or it takes too long.
        """
        return _replay(await self._body(scope["method"], headers, receive), receive)

    async def _body(self, method: str, headers: dict[str, str], receive: Receive) -> bytes:
        if method in WITH_BODY and headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            # Browsers send JSON to another site only after asking, so this stops forms and simple scripts.
            raise RequestRejected(403, "Content-Type has to be application/json", "content_type_not_allowed")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            raise _TOO_LARGE
        try:
            body = await asyncio.wait_for(_read(receive), self.body_seconds)
        except TimeoutError:
            raise RequestRejected(408, "the request took too long to arrive", "request_timeout") from None
        if method in WITH_BODY and json.detect_encoding(body) != "utf-8":
            raise RequestRejected(400, "the body has to be UTF-8, without a byte order mark", "invalid_encoding")
        return body


_TOO_LARGE = RequestRejected(413, f"a request may have {MAX_BODY} bytes", "request_too_large")


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise _TOO_LARGE
        if not message.get("more_body", False):
            return bytes(body)


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


def _host_name(host: str) -> str | None:
    """The name in a Host header, in lower case and without the root's dot; None where the header is malformed."""
    match = _HOST.fullmatch(host)
    if match is None:
        return None
    name = match["ipv6"] or match["name"].removesuffix(".")
    return name.lower()


def _cors_headers(origin: str) -> list[tuple[bytes, bytes]]:
    return [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"Origin")]


async def _answer_preflight(headers: dict[str, str], send: Send) -> None:
    """Tell a browser that the page of an allowed origin may send its request, with the headers that it wants.

    Clients add headers of their own (OpenAI's library `x-stainless-os` and more), and none of them has power here.
    """
    requested = headers.get("access-control-request-headers", "")
    allowed = requested if _HEADER_NAMES.fullmatch(requested) else "Authorization, Content-Type"
    answer = [
        (b"access-control-allow-methods", b"GET, POST"),
        (b"access-control-allow-headers", allowed.encode("latin-1")),
        (b"access-control-max-age", b"600"),
    ]
    if headers.get("access-control-request-private-network") == "true":
        answer.append((b"access-control-allow-private-network", b"true"))
    await send({"type": "http.response.start", "status": 204, "headers": answer})
    await send({"type": "http.response.body", "body": b""})


async def _reject(receive: Receive, send: Send, rejection: RequestRejected, page: bytes | None) -> None:
    if rejection.status != 413:
        # Hanging up on a client that is still sending would lose it the response.
        with suppress(TimeoutError, RequestRejected):
            await asyncio.wait_for(_read(receive), LINGER_SECONDS)
    kind = b"application/json" if page is None else b"text/html; charset=utf-8"
    headers = [(b"content-type", kind), (b"connection", b"close")]
    if rejection.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    body = error_body(str(rejection), rejection.code, rejection.status) if page is None else page
    await send({"type": "http.response.start", "status": rejection.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
