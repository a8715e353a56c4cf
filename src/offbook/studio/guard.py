"""The studio's door: the guard of `offbook serve`, with the token in a cookie, and files that arrive in a stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from html import escape
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from offbook.core.i18n import translate
from offbook.server.middleware import Guard, Receive, RequestRejected, Scope
from offbook.studio.errors import TooSlow

UPLOADS = "/api/sources"
"""Where bodies are files: bytes that are not held in memory."""
MAX_UPLOAD = 2**30
"""Bytes of a file."""
API, ASSETS, PROXY = "/api/", "/page/", "/proxy/"
CHUNK_SECONDS = 30.0
"""The next piece of a file has to be here by then."""
LEAST_RATE = 4096
"""Bytes a second that a file has to arrive with, on the whole, after its first `CHUNK_SECONDS`."""


class StudioGuard(Guard):
    """Asks every request, the page's own among them, for the token: in a cookie, or as `Authorization: Bearer`.

    The printed address holds the token; it is taken there for pages alone, which set the cookie.

    Args:
        app: the application that it stands before.
        host: the address that the studio listens on.
        token: what clients have to show.
        cookie: the cookie's name; browsers share cookies between the ports of a host, so it names the port.
        allow_hosts: further names by which clients may reach the studio.
    """

    def __init__(self, app: Any, *, host: str, token: str, cookie: str, allow_hosts: Sequence[str] = ()) -> None:
        super().__init__(app, host=host, key=token, allow_hosts=allow_hosts)
        self.cookie = cookie

    def check_access(self, scope: Scope, headers: dict[str, str]) -> None:
        """See that the client has shown the token.

        Raises:
            RequestRejected: it has not.
        """
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        is_bearer = scheme.lower() == "bearer" and self.is_key(shown)
        if not (is_bearer or self._has_cookie(headers) or self._has_query(scope)):
            raise RequestRejected(401, "the studio's token is missing or wrong", "invalid_token")

    def rejection_page(self, rejection: RequestRejected, headers: dict[str, str]) -> bytes | None:
        """For a browser without the token: where to find the address that has it."""
        if rejection.status != 401 or "text/html" not in headers.get("accept", ""):
            return None
        lines = (
            translate("This address opens with its token alone."),
            translate("Open the full address that `offbook studio` has printed in the terminal: it ends in ?token=…"),
        )
        body = "".join(f"<p>{escape(line)}</p>" for line in lines)
        return f"<!doctype html><meta charset=utf-8><title>offbook</title>{body}".encode()

    async def receive_body(self, scope: Scope, headers: dict[str, str], receive: Receive) -> Receive:
        """The body of a request: JSON as a whole, a file piece by piece.

        Raises:
            RequestRejected: its kind or size is not taken, or it takes too long.
        """
        is_file = headers.get("content-type", "").partition(";")[0].strip() == "application/octet-stream"
        if not (scope["method"] == "POST" and scope["path"] == UPLOADS and is_file):
            return await super().receive_body(scope, headers, receive)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_UPLOAD:
            raise RequestRejected(413, f"a file may have {MAX_UPLOAD} bytes", "request_too_large")

        loop = asyncio.get_running_loop()
        begin, received = loop.time(), 0

        async def next_piece() -> dict[str, Any]:
            nonlocal received
            left = begin + CHUNK_SECONDS + received / LEAST_RATE - loop.time()
            try:
                piece = await asyncio.wait_for(receive(), min(left, CHUNK_SECONDS))
            except TimeoutError:
                raise TooSlow("the file does not arrive", "Look at the connection, and send it again.") from None
            received += len(piece.get("body", b""))
            return piece

        return next_piece

    async def _body(self, method: str, headers: dict[str, str], receive: Receive) -> bytes:
        body = await super()._body(method, headers, receive)
        if _has_half_characters(body):
            raise RequestRejected(400, "a text holds half of a character (a lone surrogate)", "invalid_text")
        return body

    def _has_cookie(self, headers: dict[str, str]) -> bool:
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        return self.cookie in cookies and self.is_key(cookies[self.cookie].value)

    def _has_query(self, scope: Scope) -> bool:
        if scope["method"] != "GET" or scope["path"].startswith((API, ASSETS, PROXY)):
            return False
        shown = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])
        return self.is_key(shown[0])


def _has_half_characters(body: bytes) -> bool:
    """Whether a text in some JSON cannot be written into any file. JSON that is none is left to the application."""
    if b"\\u" not in body:
        return False
    try:
        json.dumps(json.loads(body), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False
