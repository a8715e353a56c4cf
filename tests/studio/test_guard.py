"""Who comes in: nobody without the token, no other site, nobody by another name of this computer."""

from __future__ import annotations

import asyncio
import re
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.testclient import TestClient

from offbook.studio.context import Studio
from offbook.studio.guard import MAX_UPLOAD
from tests.studio.conftest import ADDRESS, TOKEN, Client


@pytest.mark.parametrize("path", ["/", "/lines/Ann", "/api/home", "/api/jobs", "/page/index.html", "/openapi.json"])
def test_nothing_is_shown_without_the_token(http: TestClient, path: str) -> None:
    assert http.get(path).status_code == 401
    assert http.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert http.get(path, headers={"Cookie": "offbook-studio-8600=wrong"}).status_code == 401


def test_a_browser_without_the_token_is_told_where_it_is(http: TestClient) -> None:
    page = http.get("/", headers={"Accept": "text/html"})
    assert (page.status_code, "?token=" in page.text) == (401, True)


def test_the_address_with_the_token_sets_a_cookie_that_scripts_cannot_read(http: TestClient) -> None:
    first = http.get(f"/lines/Ann?token={TOKEN}&lang=zh")
    assert (first.status_code, first.headers["location"]) == (303, "/lines/Ann?lang=zh")
    cookie = first.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict", "offbook-studio-8600="))
    assert http.get("/").status_code == 200
    assert http.get("/api/home").status_code == 200


def test_the_api_takes_no_token_from_an_address(http: TestClient) -> None:
    assert http.get(f"/api/home?token={TOKEN}").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:8600"},
        {"Host": "127.0.0.1.evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8600.evil.example"},
        {"Origin": "http://127.0.0.1:8600@evil.example"},
        {"Origin": "http://localhost:8600"},
        {"Origin": ""},
        {"Host": "127.0.0.1:8600, evil.example"},
        {"Host": "2130706433:8600"},
        {"Host": "[::ffff:127.0.0.1]:8600"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_other_sites_and_other_names_are_refused_even_with_the_token(
    client: Client, headers: dict[str, str], method: str
) -> None:
    assert client.http.request(method, "/api/jobs", headers=headers).status_code == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_no_form_of_another_page_starts_anything(client: Client, studio: Studio, kind: str) -> None:
    for path in ("/api/sources?name=a.txt", "/api/characters"):
        assert client.http.post(path, content=b"{}", headers={"Content-Type": kind}).status_code == 403
    assert (studio.queue.list(), studio.workspace.list_sources()) == ([], [])


def test_bodies_are_bounded(client: Client) -> None:
    declared = {"Content-Type": "application/octet-stream", "Content-Length": str(MAX_UPLOAD + 1)}
    assert client.http.post("/api/sources?name=a.txt", content=b"a", headers=declared).status_code == 413
    assert client.http.post("/api/characters", json={"name": "a" * 2**20}).status_code == 413


def test_a_file_that_hides_its_size_is_bounded(client: Client, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offbook.studio.routes.sources.MAX_UPLOAD", 10)
    refused: Any = client.upload("big.txt", b"twenty bytes of text", 413)
    assert "too large" in refused["error"]["message"]
    assert list(studio.workspace.sources.iterdir()) == []


@pytest.mark.parametrize("pieces", [1, 10_000])
def test_a_file_that_does_not_arrive_is_given_up(
    client: Client, studio: Studio, monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    """It stalls after its first byte, or drips so that it never stalls."""
    monkeypatch.setattr("offbook.studio.guard.CHUNK_SECONDS", 0.2)
    scope = {"type": "http", "method": "POST", "path": "/api/sources", "query_string": b"name=a.txt", "headers": []}
    texts = {"host": "127.0.0.1:8600", "authorization": f"Bearer {TOKEN}", "content-type": "application/octet-stream"}
    scope["headers"] = [(name.encode(), text.encode()) for name, text in texts.items()]
    left, answers = pieces, []

    async def receive() -> dict[str, Any]:
        nonlocal left
        left -= 1
        await asyncio.sleep(0.01 if left >= 0 else 60)
        return {"type": "http.request", "body": b"a", "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        answers.append(message)

    began = time.monotonic()
    asyncio.run(cast("Any", client.http.app)(scope, receive, send))
    assert time.monotonic() - began < 5
    assert answers[0]["status"] == 408
    assert list(studio.workspace.sources.iterdir()) == []


def test_files_that_arrive_at_once_are_bounded(client: Client, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offbook.studio.routes.sources.MAX_UPLOADS", 1)
    studio.workspace.sources.mkdir()
    (studio.workspace.sources / ".tmp-other").touch()
    client.upload("a.txt", b"a", 409)
    monkeypatch.setattr("offbook.studio.routes.sources.MAX_UPLOADS", 2)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    client.upload("a.txt", b"a", 507)
    assert studio.workspace.list_sources() == []


def test_the_page_loads_nothing_from_elsewhere(http: TestClient) -> None:
    http.headers["Authorization"] = f"Bearer {TOKEN}"
    policy = http.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert ADDRESS not in policy


def test_no_job_begins_without_the_token(http: TestClient, studio: Studio) -> None:
    spec = http.get("/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"}).json()
    tried = 0
    for path, methods in spec["paths"].items():
        for method in methods:
            address = re.sub(r"\{\w+\}", "x", path)
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Origin": "https://evil.example"}):
                assert http.request(method.upper(), address, json={}, headers=headers).status_code in (401, 403)
                tried += 1
    assert tried > 100
    assert studio.queue.list() == []
