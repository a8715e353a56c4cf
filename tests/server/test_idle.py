"""A server that ends by itself when nobody asks for a reply."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest

from offbook.server.http_server import server
from offbook.server.idle import IdleClock


def test_looking_does_not_count_and_a_reply_counts_until_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("offbook.server.idle.time", SimpleNamespace(monotonic=lambda: now[0]))
    seen: list[float] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        now[0] += 30
        seen.append(clock.seconds)

    clock = IdleClock(app)
    for method in ("GET", "POST", "GET"):
        asyncio.run(clock({"type": "http", "method": method}, cast("Any", None), cast("Any", None)))
    assert seen == [30, 0, 30]
    assert clock.seconds == 30


def test_it_ends_when_it_is_over() -> None:
    ready: list[bool] = []
    running = server(None, cast("Any", None), 0, lambda: ready.append(True))
    running.is_over = lambda: bool(ready)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running.run([listener])
