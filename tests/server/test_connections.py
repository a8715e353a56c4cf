"""Clients that do not read their answers: none of them holds memory, or another one's place, for long."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.responses import Response, StreamingResponse

from offbook.server import connections
from offbook.server.listening import bind


class Flood:
    """Answers `/flood` without an end, and everything else at once."""

    def __init__(self) -> None:
        self.under_way = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != "/flood":
            await Response("here")(scope, receive, send)
            return
        self.under_way += 1
        try:
            await StreamingResponse(self._pieces())(scope, receive, send)
        finally:
            self.under_way -= 1

    async def _pieces(self) -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 2**16
            await asyncio.sleep(0)  # what is sent to a client that has gone does not wait


@contextmanager
def flooding() -> Iterator[tuple[Flood, int]]:
    """A server of a flood, and its port."""
    flood = Flood()
    server = uvicorn.Server(connections.http_config(flood, 1))
    with bind("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield flood, listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


def ask(port: int, path: str = "/flood") -> socket.socket:
    """Send a request, and read nothing."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return connection


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_32_a_client_that_reads_nothing_is_given_up_and_its_answer_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SEND_SECONDS", 0.4)
    with flooding() as (flood, port), ask(port), ask(port) as reading:
        wait_until(lambda: flood.under_way == 2)
        deadline = time.monotonic() + 1.2
        while time.monotonic() < deadline:
            assert reading.recv(2**20), "a client that reads is not given up"
        wait_until(lambda: flood.under_way == 1)


def test_those_that_do_not_read_make_room_for_one_that_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 5)
    with flooding() as (flood, port):
        unread = [ask(port) for _ in range(5)]
        wait_until(lambda: flood.under_way == 5)
        time.sleep(0.2)  # until their connections take no more
        try:
            assert httpx2.get(f"http://127.0.0.1:{port}/", timeout=5).text == "here"
            wait_until(lambda: flood.under_way == 4)
        finally:
            for each in unread:
                each.close()
