"""How long nobody has asked a server for a reply."""

from __future__ import annotations

import time
from typing import Any

from offbook.server.middleware import Receive, Scope, Send


class IdleClock:
    """ASGI middleware: since when nothing has been asked.

    What only looks (GET: health checks, a page that asks who is there) does not count; a reply counts until its end.

    Args:
        app: the application behind it.
    """

    def __init__(self, app: Any) -> None:
        self.app = app
        self._under_way = 0
        self._last = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the last request ended; 0 while one is answered."""
        return 0.0 if self._under_way else time.monotonic() - self._last

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on (ASGI)."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        self._under_way += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._under_way -= 1
            self._last = time.monotonic()
