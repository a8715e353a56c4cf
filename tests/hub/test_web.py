"""A file from the web: a real TLS server on loopback, with a certificate made here."""

from __future__ import annotations

import datetime
import ipaddress
import re
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from offbook.core.errors import OffbookError, UsageError
from offbook.hub import web
from offbook.hub.pull import pull_dataset

ROWS = '[{"instruction": "你是谁？", "output": "家父是大理寺少卿甄远道。"}]'.encode()


def certificate(folder: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(hours=1))
        .add_extension(alternative, critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding, no_encryption = serialization.Encoding.PEM, serialization.NoEncryption()
    path = folder / "certificate.pem"
    path.write_bytes(
        made.public_bytes(encoding) + key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, no_encryption)
    )
    return path


class Site(BaseHTTPRequestHandler):
    served: list[str]

    def do_GET(self) -> None:
        self.served.append(self.path)
        result = self.path in ("/a%20b/lines.json", "/broken.json")
        self.send_response(200 if result else 404)
        self.send_header("Content-Length", str(len(ROWS) if result else 0))
        self.end_headers()
        if result:
            self.wfile.write(ROWS[:10] if self.path == "/broken.json" else ROWS)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("OFFBOOK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    pem = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    monkeypatch.setattr(urllib.request, "_opener", None)  # urllib keeps one, with the certificates of its first use
    monkeypatch.setattr(Site, "served", [], raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_file_is_fetched_once(site: str) -> None:
    for _ in range(2):
        path = pull_dataset(f"{site}/a%20b/lines.json")
        assert path.name == "lines.json"
        assert path.read_bytes() == ROWS
    assert Site.served == ["/a%20b/lines.json"]


def test_a_transfer_that_breaks_leaves_nothing(site: str, tmp_path: Path) -> None:
    with pytest.raises(OffbookError, match="the connection broke") as failure:
        pull_dataset(f"{site}/broken.json")
    assert failure.value.exit_code == 1
    assert not list((tmp_path / "home").rglob("*.json"))


def test_where_a_host_fails_the_same_file_is_taken_from_another(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    down = "https://127.0.0.1:9"
    mirrors = (f"{down}/{{}}", f"{site}/{{}}")
    others = tuple(mirror.format(r"a%20b/\1") for mirror in mirrors)
    monkeypatch.setattr(web, "MIRRORS", ((re.compile(rf"{down}/first/(.*)"), others),))
    assert pull_dataset(f"{down}/first/lines.json").read_bytes() == ROWS
    assert Site.served == ["/a%20b/lines.json"]

    monkeypatch.setattr(web, "MIRRORS", ((re.compile(rf"{down}/second/(.*)"), (rf"{down}/\1",)),))
    with pytest.raises(OffbookError, match=r"refused.*; neither from 127.0.0.1:9") as failure:
        pull_dataset(f"{down}/second/lines.json")
    assert "--data.source FILE" in failure.value.fix


def test_a_host_that_refuses_is_not_the_last_word(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands between a reader and a host may answer in its place."""
    monkeypatch.setattr(web, "MIRRORS", ((re.compile(rf"{site}/blocked/(.+)"), (rf"{site}/a%20b/\1",)),))
    assert pull_dataset(f"{site}/blocked/lines.json").read_bytes() == ROWS
    monkeypatch.setattr(web, "MIRRORS", ((re.compile(rf"{site}/gone/(.+)"), (rf"{site}/gone-too/\1",)),))
    with pytest.raises(UsageError, match=r"gone/lines\.json answered 404"):
        pull_dataset(f"{site}/gone/lines.json")


def test_the_mirrors_of_github_have_the_same_file() -> None:
    address = "https://raw.githubusercontent.com/org/data/v1/rows/lines.json"
    assert web._mirrors(address) == [
        "https://cdn.jsdelivr.net/gh/org/data@v1/rows/lines.json",
        "https://fastly.jsdelivr.net/gh/org/data@v1/rows/lines.json",
    ]
    assert web._mirrors("https://example.org/lines.json") == []


def test_what_cannot_be_fetched(site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="answered 404"):
        pull_dataset(f"{site}/absent.json")
    for address in (site, f"{site}/..", f"{site}/%2e%2e%2fx.json"):
        with pytest.raises(UsageError, match="names no file"):
            pull_dataset(address)
    with pytest.raises(OffbookError, match=r"cannot fetch .*refused"):
        pull_dataset("https://127.0.0.1:9/lines.json")
    monkeypatch.setattr(urllib.request, "_opener", None)
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(OffbookError, match="certificate"):
        pull_dataset(f"{site}/broken.json")


def test_an_address_that_leads_to_plain_http_is_not_followed() -> None:
    request = urllib.request.Request("https://example.org/rows.jsonl")
    handler = web._OnlyHttps()
    headers: Any = {}
    assert handler.redirect_request(request, None, 302, "Found", headers, "https://example.org/b") is not None
    for address in ("http://example.org/rows.jsonl", "ftp://example.org/rows.jsonl", "file:///etc/passwd"):
        with pytest.raises(UsageError, match="is not https"):
            handler.redirect_request(request, None, 302, "Found", headers, address)
