"""Who is let in, and how much and how slowly they may send."""

import asyncio
import json
import logging
import socket
import time
from unittest.mock import patch

import httpx
import pytest

from offbook.server import api, http_server
from offbook.server.middleware import MAX_BODY, Guard
from tests.server.conftest import serving

BODY = {"model": "hamlet", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "192.168.0.7", "localhost.evil"]
)
def test_37_foreign_hosts(served, host):
    assert httpx.get(f"{served.address}/health", headers={"Host": host}).status_code == 403


def test_37_an_empty_host(served):
    assert b" 403 " in raw(served, b"GET /health HTTP/1.1\r\nHost:\r\n\r\n").partition(b"\r\n")[0]
    assert b" 400 " in raw(served, b"GET /health HTTP/1.1\r\n\r\n").partition(b"\r\n")[0]


@pytest.mark.parametrize("host", ["localhost", "localhost:9", "127.0.0.1", "[::1]:8000"])
def test_own_hosts(served, host):
    assert httpx.get(f"{served.address}/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "file://", "https://localhost:1"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_37_foreign_origins(served, method, origin):
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    answer = httpx.request(method, f"{served.address}/v1/chat/completions", headers=headers, json=BODY)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_the_pages_own_origin(served):
    answer = httpx.post(f"{served.address}/v1/chat/completions", headers={"Origin": served.address}, json=BODY)
    assert answer.status_code == 200


def test_38_another_site_that_hides_its_origin(served):
    assert httpx.get(f"{served.address}/v1/models", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_38_only_json_is_read(served, kind):
    answer = httpx.post(
        f"{served.address}/v1/chat/completions", content=json.dumps(BODY), headers={"Content-Type": kind}
    )
    assert answer.status_code == 403
    assert served.tuned.prompts == []


def test_36_a_key_is_asked_for_and_never_logged(caplog):
    caplog.set_level(logging.DEBUG)
    with serving(key="kéy-1") as served:
        for shown in (None, "Bearer wrong", "Basic kéy-1", "Bearer", "kéy-1"):
            headers = {} if shown is None else {"Authorization": shown.encode()}
            answer = httpx.get(f"{served.address}/v1/models", headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["error"]["type"] == "authentication_error"
        for path in ("/metrics", "/openapi.json", "/v1/character", "/v1/chat/completions", "/nothing"):
            assert httpx.get(f"{served.address}{path}").status_code == 401
        right = {"Authorization": "Bearer kéy-1".encode()}
        assert httpx.get(f"{served.address}/v1/models", headers=right).status_code == 200
        assert httpx.get(f"{served.address}/health").status_code == 200
        assert httpx.get(f"{served.address}/").status_code == 200, "the page asks for the key itself"
        assert "kéy-1" not in caplog.text


def test_31_a_body_that_says_it_is_too_large_is_refused_unread(served):
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100000000\r\n\r\n"
    )
    assert b" 413 " in raw(served, head).partition(b"\r\n")[0]


def test_31_a_body_in_pieces_is_counted(served):
    sent = 0

    def pieces():
        nonlocal sent
        for sent in range(1, 41):  # noqa: B007
            yield b"x" * (MAX_BODY // 32)

    headers = {"Content-Type": "application/json"}
    address = f"{served.address}/v1/chat/completions"
    try:
        # The status alone: the server hangs up while more is being sent, and the rest of its answer may be lost.
        with httpx.stream("POST", address, content=pieces(), headers=headers) as answer:
            assert answer.status_code == 413
    except httpx.TransportError:
        assert sent > 32


def test_32_a_body_that_comes_too_slowly():
    with serving(body_seconds=0.5) as served:
        head = (
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000\r\n\r\n{"
        )
        began = time.monotonic()
        assert b" 408 " in raw(served, head).partition(b"\r\n")[0]
        assert time.monotonic() - began < 5


def test_32_headers_that_never_end(monkeypatch):
    monkeypatch.setattr(http_server, "HEADER_SECONDS", 0.5)
    with serving() as served:
        for beginning in (b"", b"GET /health HTTP/1.1\r\nHost: loc"):
            began = time.monotonic()
            assert raw(served, beginning) == b""
            assert 0.3 < time.monotonic() - began < 5


def test_32_headers_that_never_end_after_a_request_that_did(monkeypatch):
    monkeypatch.setattr(http_server, "HEADER_SECONDS", 0.5)
    with serving() as served:
        began = time.monotonic()
        head = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
        port = int(served.address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(head)
            with connection.makefile("rb") as answer:
                assert b" 200 " in answer.readline()
                while answer.read(1) != b"}":
                    pass
            connection.sendall(b"GET /hea")
            assert connection.recv(65536) == b""
        assert 0.3 < time.monotonic() - began < 5


def test_32_a_client_that_takes_nothing_is_given_up_and_its_reply_is_closed():
    closed = []

    async def app(scope, receive, send):
        try:
            while True:
                await send({"type": "http.response.body", "body": b"x", "more_body": True})
        finally:
            closed.append(True)

    async def receive():
        return {"type": "http.request", "body": b""}

    async def never(message):
        await asyncio.Event().wait()

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"localhost")]}
    guard = Guard(app, host="localhost", key=None, send_seconds=0.05)
    with pytest.raises(TimeoutError):
        asyncio.run(guard(scope, receive, never))
    assert closed


@pytest.mark.parametrize("path", ["/page/../api.py", "/page/%2e%2e/api.py", "/page/..%2fapi.py", "/page//etc/passwd"])
def test_39_no_file_but_the_pages(served, path):
    answer = raw(served, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert b" 404 " in answer.partition(b"\r\n")[0]


def test_39_a_link_out_of_the_pages_folder_is_not_followed(tmp_path, monkeypatch):
    (tmp_path / "secret").write_text("secret")
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "link").symlink_to(tmp_path / "secret")
    monkeypatch.setattr(api, "PAGE", pages)
    with serving() as served:
        assert httpx.get(f"{served.address}/page/link").status_code == 404


@pytest.mark.parametrize("name", ["../../etc/passwd", "%2e%2e/adapter", "/work", "hamlet/../other"])
def test_39_a_model_is_a_name_and_never_a_path(served, name):
    with patch("builtins.open", side_effect=AssertionError), patch("pathlib.Path.open", side_effect=AssertionError):
        answer = httpx.post(f"{served.address}/v1/chat/completions", json={**BODY, "model": name}).json()
    assert answer["model"] == "hamlet"
    assert httpx.get(f"{served.address}/v1/models/{name}").status_code == 404


def test_broken_json(served):
    for content in (b"{", b"[]", b"null", b"\xff\xfe", b'{"messages": "x"}', b"[" * 100_000):
        answer = httpx.post(
            f"{served.address}/v1/chat/completions", content=content, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 400
        assert answer.json()["error"]["message"]


def test_the_page_may_load_nothing_from_elsewhere(served):
    policy = httpx.get(f"{served.address}/").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy


@pytest.mark.parametrize(
    ("host", "name", "own"),
    [
        ("0.0.0.0", "192.168.0.7", True),
        ("0.0.0.0", socket.gethostname().lower(), True),
        ("0.0.0.0", "evil.example", False),
        ("my.lan", "my.lan", True),
        ("my.lan", "", False),
        ("127.0.0.1", "192.168.0.7", False),
    ],
)
def test_hosts_of_a_server_that_others_reach(host, name, own):
    assert Guard(None, host=host, key="k")._is_own(name) is own


def raw(served, sent: bytes) -> bytes:
    """What comes back for these bytes, until the server hangs up."""
    port = int(served.address.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(sent)
        got = b""
        while b"\r\n\r\n" not in got:
            more = connection.recv(65536)
            if not more:
                break
            got += more
        return got
