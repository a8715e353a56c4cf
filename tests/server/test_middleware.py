"""Who is let in, and how much and how slowly they may send."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx2
import pytest

from offbook.core.errors import UsageError
from offbook.server import api, connections
from offbook.server.listening import check_access
from offbook.server.middleware import MAX_BODY, Guard
from tests.server.conftest import Served, serving

BODY = {"model": "hamlet", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "192.168.0.7",
        "localhost.evil",
        "localhost:80@evil.example",
        "localhost:evil.example",
        "[::1].evil.example",
        "[::1]evil",
        "user@localhost",
        "localhost:8000:80",
        "localhost/evil.example",
    ],
)
def test_37_foreign_hosts(served: Served, host: str) -> None:
    assert httpx2.get(f"{served.address}/health", headers={"Host": host}).status_code == 403


def test_37_an_empty_host(served: Served) -> None:
    assert b" 403 " in raw(served, b"GET /health HTTP/1.1\r\nHost:\r\n\r\n").partition(b"\r\n")[0]
    assert b" 400 " in raw(served, b"GET /health HTTP/1.1\r\n\r\n").partition(b"\r\n")[0]


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:9", "127.0.0.1", "[::1]:8000", "LOCALHOST", "localhost.", "localhost:"]
)
def test_own_hosts(served: Served, host: str) -> None:
    assert httpx2.get(f"{served.address}/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "file://", "https://localhost:1"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_37_foreign_origins(served: Served, method: str, origin: str) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    answer = httpx2.request(method, f"{served.address}/v1/chat/completions", headers=headers, json=BODY)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_the_pages_own_origin(served: Served) -> None:
    answer = httpx2.post(f"{served.address}/v1/chat/completions", headers={"Origin": served.address}, json=BODY)
    assert answer.status_code == 200


def test_another_name_and_another_origin_can_be_allowed() -> None:
    with serving(allow_hosts=["Play.example"], allow_origins=["https://stage.example/"]) as served:
        address = f"{served.address}/v1/chat/completions"
        assert httpx2.get(f"{served.address}/health", headers={"Host": "play.example"}).status_code == 200
        assert httpx2.get(f"{served.address}/health", headers={"Host": "other.example"}).status_code == 403
        browser = {"Origin": "https://stage.example", "Sec-Fetch-Site": "cross-site"}
        prompts = httpx2.options(address, headers={**browser, "Access-Control-Request-Method": "POST"})
        assert prompts.status_code == 204
        assert "Authorization" in prompts.headers["access-control-allow-headers"]
        answer = httpx2.post(address, json=BODY, headers=browser)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "https://stage.example"
        assert answer.headers["vary"] == "Origin"
        other = httpx2.post(address, json=BODY, headers={"Origin": "https://other.example"})
        assert other.status_code == 403
        assert "access-control-allow-origin" not in other.headers


def test_a_browser_can_read_why_its_allowed_site_is_turned_away() -> None:
    with serving(key="k", allow_origins=["*"]) as served:
        answer = httpx2.get(f"{served.address}/v1/models", headers={"Origin": "https://any.example"})
        assert answer.status_code == 401
        assert answer.headers["access-control-allow-origin"] == "https://any.example"


def test_headers_of_clients_pass_a_browsers_question() -> None:
    wanted = "authorization, content-type, x-stainless-os, x-title"
    headers = {"Origin": "app://obsidian.md", "Access-Control-Request-Method": "POST"}
    with serving(allow_origins=["app://obsidian.md", "file://"]) as served:
        address = f"{served.address}/v1/chat/completions"
        answer = httpx2.options(address, headers={**headers, "Access-Control-Request-Headers": wanted})
        assert answer.headers["access-control-allow-headers"] == wanted
        near = httpx2.options(address, headers={**headers, "Access-Control-Request-Private-Network": "true"})
        assert near.headers["access-control-allow-private-network"] == "true"
        odd = httpx2.options(address, headers={**headers, "Access-Control-Request-Headers": "a; b"})
        assert odd.headers["access-control-allow-headers"] == "Authorization, Content-Type"
        assert httpx2.post(address, json=BODY, headers={"Origin": "file://"}).status_code == 200
        other = httpx2.post(address, json=BODY, headers={"Origin": "app://other"})
        assert "--allow-origin" in other.json()["error"]["message"]


def test_a_desktop_program_that_sends_no_origin_is_let_in_where_all_are() -> None:
    with serving(key="k", allow_origins=["*"]) as served:
        headers = {"Sec-Fetch-Site": "cross-site", "Authorization": "Bearer k"}
        assert httpx2.get(f"{served.address}/v1/models", headers=headers).status_code == 200


@pytest.mark.parametrize("origin", ["example.org", "https://example.org/page", "http://a b", "localhost:3000/"])
def test_what_no_page_sends_as_its_origin_is_refused(origin: str) -> None:
    with pytest.raises(UsageError, match="is no origin"):
        check_access("127.0.0.1", None, [origin])


def test_an_origin_that_every_website_can_have_needs_a_key() -> None:
    with pytest.raises(UsageError, match="every website"):
        check_access("127.0.0.1", None, ["null"])
    check_access("127.0.0.1", "k", ["null", "*", "https://example.org/", "tauri://localhost"])


def test_38_another_site_that_hides_its_origin(served: Served) -> None:
    assert httpx2.get(f"{served.address}/v1/models", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_38_only_json_is_read(served: Served, kind: Any) -> None:
    answer = httpx2.post(
        f"{served.address}/v1/chat/completions", content=json.dumps(BODY), headers={"Content-Type": kind}
    )
    assert answer.status_code == 403
    assert served.tuned.prompts == []


def test_36_a_key_is_asked_for_and_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(key="kéy-1") as served:
        for shown in (None, "Bearer wrong", "Basic kéy-1", "Bearer", "kéy-1"):
            headers = [] if shown is None else [(b"Authorization", shown.encode())]
            answer = httpx2.get(f"{served.address}/v1/models", headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["error"]["type"] == "authentication_error"
        for path in ("/metrics", "/openapi.json", "/v1/character", "/v1/chat/completions", "/nothing"):
            assert httpx2.get(f"{served.address}{path}").status_code == 401
        right = [(b"Authorization", "Bearer kéy-1".encode())]
        assert httpx2.get(f"{served.address}/v1/models", headers=right).status_code == 200
        assert httpx2.get(f"{served.address}/health").status_code == 200
        assert httpx2.get(f"{served.address}/").status_code == 200, "the page asks for the key itself"
        assert "kéy-1" not in caplog.text


def test_31_a_body_that_says_it_is_too_large_is_refused_unread(served: Served) -> None:
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100000000\r\n\r\n"
    )
    assert b" 413 " in raw(served, head).partition(b"\r\n")[0]


def test_31_a_body_in_pieces_is_counted(served: Served) -> None:
    sent = 0

    def pieces() -> Iterator[Any]:
        nonlocal sent
        for sent in range(1, 41):  # noqa: B007
            yield b"x" * (MAX_BODY // 32)

    headers = {"Content-Type": "application/json"}
    address = f"{served.address}/v1/chat/completions"
    try:
        # The status alone: the server hangs up while more is being sent, and the rest of its answer may be lost.
        with httpx2.stream("POST", address, content=pieces(), headers=headers) as answer:
            assert answer.status_code == 413
    except httpx2.TransportError:
        assert sent > 32


def test_32_a_body_that_comes_too_slowly() -> None:
    with serving(body_seconds=0.5) as served:
        head = (
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000\r\n\r\n{"
        )
        began = time.monotonic()
        assert b" 408 " in raw(served, head).partition(b"\r\n")[0]
        assert time.monotonic() - began < 5


def test_32_headers_that_never_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.5)
    with serving() as served:
        for beginning in (b"", b"GET /health HTTP/1.1\r\nHost: loc"):
            began = time.monotonic()
            assert raw(served, beginning) == b""
            assert 0.3 < time.monotonic() - began < 5


def test_32_headers_that_never_end_after_a_request_that_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.5)
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


@pytest.mark.parametrize("path", ["/page/../api.py", "/page/%2e%2e/api.py", "/page/..%2fapi.py", "/page//etc/passwd"])
def test_39_no_file_but_the_pages(served: Served, path: Any) -> None:
    answer = raw(served, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert b" 404 " in answer.partition(b"\r\n")[0]


def test_39_a_link_out_of_the_pages_folder_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("secret")
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "link").symlink_to(tmp_path / "secret")
    monkeypatch.setattr(api, "PAGE", pages)
    with serving() as served:
        assert httpx2.get(f"{served.address}/page/link").status_code == 404


@pytest.mark.parametrize("name", ["../../etc/passwd", "%2e%2e/adapter", "/work", "hamlet/../other"])
def test_39_a_model_is_a_name_and_never_a_path(served: Served, name: str) -> None:
    with patch("builtins.open", side_effect=AssertionError), patch("pathlib.Path.open", side_effect=AssertionError):
        answer = httpx2.post(f"{served.address}/v1/chat/completions", json={**BODY, "model": name}).json()
    assert answer["model"] == "hamlet"
    assert httpx2.get(f"{served.address}/v1/models/{name}").status_code == 404


def test_broken_json(served: Served) -> None:
    for content in (b"{", b"[]", b"null", b"\xff\xfe", b'{"messages": "x"}', b"[" * 100_000):
        answer = httpx2.post(
            f"{served.address}/v1/chat/completions", content=content, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 400
        assert answer.json()["error"]["message"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_only_utf8_is_read(served: Served, encoding: str) -> None:
    content = json.dumps(BODY).encode(encoding)
    headers = {"Content-Type": "application/json"}
    answer = httpx2.post(f"{served.address}/v1/chat/completions", content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_encoding")
    assert served.tuned.prompts == []


def test_half_a_character_is_no_text(served: Served) -> None:
    texts = [{"role": "user", "content": "\ud83d"}]
    for body in (
        {**BODY, "messages": texts},
        {**BODY, "stop": "\ud800"},
        {**BODY, "model": "\udfff"},
        {"prompt": "\ud800"},
    ):
        path = "completions" if "prompt" in body else "chat/completions"
        content = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        answer = httpx2.post(f"{served.address}/v1/{path}", content=content, headers=headers)
        assert answer.status_code == 400
        assert "surrogate" in answer.json()["error"]["message"]


def test_a_key_of_any_bytes_can_be_shown() -> None:
    with serving(key=b"caf\xe9".decode("utf-8", "surrogateescape")) as served:
        right = [(b"Authorization", b"Bearer caf\xe9")]
        assert httpx2.get(f"{served.address}/v1/models", headers=right).status_code == 200
        assert httpx2.get(f"{served.address}/v1/models", headers={"Authorization": "Bearer cafe"}).status_code == 401


def test_no_file_of_an_older_version_is_shown_beside_new_ones(served: Served) -> None:
    first = httpx2.get(f"{served.address}/page/chat.js")
    second = httpx2.get(f"{served.address}/page/chat.js", headers={"If-None-Match": first.headers["etag"]})
    assert [first.status_code, second.status_code] == [200, 304]
    assert [each.headers["cache-control"] for each in (first, second)] == ["no-cache", "no-cache"]


def test_a_part_of_a_page_file_can_be_asked_for(served: Served) -> None:
    script = httpx2.get(f"{served.address}/page/chat.js").content
    part = httpx2.get(f"{served.address}/page/chat.js", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, script[10:20])
    ranges = "bytes=" + ",".join(f"{start}-{start}" for start in range(0, 4000, 2))
    many = httpx2.get(f"{served.address}/page/chat.js", headers={"Range": ranges}, timeout=5)
    assert many.status_code in (200, 206, 400, 416)
    assert len(many.content) < 100 * len(script)


def test_a_body_in_one_byte_pieces_is_given_up_in_time() -> None:
    with serving(body_seconds=0.7) as served:
        head = (
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", port_of(served)), timeout=10) as connection:
            connection.sendall(head)
            connection.settimeout(0.02)
            got = b""
            while not got and time.monotonic() - began < 5:
                connection.sendall(b"1\r\n \r\n")
                try:
                    got = connection.recv(4096)
                except TimeoutError:
                    continue
        assert b" 408 " in got.partition(b"\r\n")[0]
        assert time.monotonic() - began < 5


def test_many_requests_on_one_connection_are_answered_in_turn(served: Served) -> None:
    request = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port_of(served)), timeout=20) as connection:
        connection.sendall(request * 200)
        got = b""
        while got.count(b"HTTP/1.1 200") < 200:
            more = connection.recv(65536)
            assert more, "it hung up"
            got += more
    assert httpx2.get(f"{served.address}/health").status_code == 200


def test_silent_connections_make_room_for_one_that_asks(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 20)
    with serving() as served:
        silent = [socket.create_connection(("127.0.0.1", port_of(served)), timeout=10) for _ in range(200)]
        try:
            began = time.monotonic()
            for _ in range(3):
                assert httpx2.get(f"{served.address}/health", timeout=10).status_code == 200
            assert time.monotonic() - began < 5
            assert len(served.server.server_state.connections) <= 22
        finally:
            for connection in silent:
                connection.close()
    assert not caplog.records, "nothing is logged for them"


def test_the_page_may_load_nothing_from_elsewhere(served: Served) -> None:
    policy = httpx2.get(f"{served.address}/").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    ("host", "name", "accepted"),
    [
        ("0.0.0.0", "192.168.0.7", True),
        ("0.0.0.0", socket.gethostname().lower(), True),
        ("0.0.0.0", "evil.example", False),
        ("my.lan", "my.lan", True),
        ("my.lan", "", False),
        ("127.0.0.1", "192.168.0.7", False),
    ],
)
def test_hosts_of_a_server_that_others_reach(host: str, name: str, accepted: bool) -> None:
    assert Guard(None, host=host, key="k")._is_own(name) is accepted


def port_of(served: Served) -> Any:
    return int(served.address.rpartition(":")[2])


def raw(served: Served, sent: bytes) -> bytes:
    """What comes back for these bytes, until the server hangs up."""
    with socket.create_connection(("127.0.0.1", port_of(served)), timeout=10) as connection:
        connection.sendall(sent)
        got = b""
        while b"\r\n\r\n" not in got:
            more = connection.recv(65536)
            if not more:
                break
            got += more
        return got
