"""A tiny hub on loopback that speaks ModelScope's and Hugging Face's protocols to their real clients.

    with FakeHub() as hub:
        hub.add("org/tiny", {"config.json": b"{}"}, revision="v1")
        hub.break_after["model.safetensors"] = 1000     # one transfer ends after so many bytes

It serves what it is told to, lies included.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from offbook.hub import cache
from tests.fakehub_writes import Account, Writes, is_large

Files = dict[str, bytes]

WEIGHTS = bytes(range(256)) * 2000
MODEL: Files = {"config.json": b"{}", "tokenizer.json": b"{}", "model.safetensors": WEIGHTS}
BRANCH = {"ms": "master", "hf": "main"}

both = pytest.mark.parametrize("scheme", ["ms", "hf"])


def names(folder: Path) -> set[str]:
    """The files that were pulled into a folder."""
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()} - {cache.RECORD}


def repo_dir(home: Path, scheme: str) -> list[str]:
    """The revisions of org/tiny that a user could take for pulled."""
    return sorted(path.name for path in (home / "models" / scheme / "org--tiny").glob("[!.]*"))


@dataclass(frozen=True)
class Request:
    """A transfer that a client asked for."""

    file: str
    start: int
    """First byte asked for: above zero when a client resumes."""


@dataclass
class FakeHub:
    repositories: dict[tuple[str, str, str], Files] = field(default_factory=dict)
    """(models or datasets, ORG/NAME, revision or commit) → files."""
    break_after: dict[str, int] = field(default_factory=dict)
    """File → bytes after which its next transfer breaks."""
    served_instead: Files = field(default_factory=dict)
    """File → what is sent in place of what is listed."""
    slow: dict[str, float] = field(default_factory=dict)
    """File → seconds that each of its transfers takes."""
    withheld: set[str] = field(default_factory=set)
    """Files that are listed but not found."""
    down: bool = False
    """Hang up on everybody."""
    transfers: list[Request] = field(default_factory=list)
    account: Account = field(default_factory=Account)
    """Who may push, and what was pushed."""

    def __enter__(self) -> FakeHub:
        hub = self

        class Handler(_Handler):
            fake = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, repo: str, files: Files, revision: str | None = None, kind: str = "models") -> str:
        """Publish files as a revision (both default branches if none is named); the commit that it got."""
        commit = hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()
        for name in (commit, *([revision] if revision else ["master", "main"])):
            self.repositories[kind, repo, name] = files
        return commit

    def commit(self, kind: str, repo: str, revision: str) -> str:
        files = self.repositories[kind, repo, revision]
        return next(
            name
            for (its_kind, its_repo, name), others in self.repositories.items()
            if (its_kind, its_repo) == (kind, repo) and others is files and re.fullmatch("[0-9a-f]{40}", name)
        )


class _Handler(Writes, BaseHTTPRequestHandler):
    fake: FakeHub
    protocol_version = "HTTP/1.1"

    ROUTES = (
        (r"/api/v1/(models|datasets)/([^/]+/[^/]+)/repo/(?:files|tree)", "modelscope_listing"),
        (r"/api/v1/(models|datasets)/([^/]+/[^/]+)/repo", "modelscope_file"),
        (r"/api/(models|datasets)/([^/]+/[^/]+)/revision/([^/]+)", "huggingface_info"),
        (r"/api/(models|datasets)/([^/]+/[^/]+)/tree/([^/]+)", "huggingface_tree"),
        (r"/(?:(datasets)/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", "huggingface_file"),
    )

    def do_GET(self) -> None:
        if self.fake.down:
            self.close_connection = True
            return None
        address = urlsplit(self.path)
        if address.path in ("/api/whoami-v2", "/openapi/v1/users/me"):
            return self.whoami()
        about = re.fullmatch(r"/(?:api|openapi/v1|api/v1)/models/([^/]+/[^/]+)", address.path)
        if about:
            return self.about(unquote(about[1]))
        self.query = {key: values[0] for key, values in parse_qs(address.query).items()}
        for pattern, name in self.ROUTES:
            match = re.fullmatch(pattern, address.path)
            if match:
                parts = [unquote(part) if part else "models" for part in match.groups()]
                getattr(self, name)(*parts)
                return None
        return self.refuse("NoRoute")

    do_HEAD = do_GET

    def modelscope_listing(self, kind: str, repo: str) -> None:
        files = self.fake.repositories.get((kind, repo, self.query["Revision"]))
        if files is None:
            return self.refuse("RepoNotFound")
        entries = [
            {"Path": path, "Name": path, "Type": "blob", "Size": len(content), "Sha256": _sha256(content)}
            for path, content in files.items()
        ]
        self.answer({"Code": 200, "Success": True, "Data": {"Files": entries}})
        return None

    def modelscope_file(self, kind: str, repo: str) -> None:
        self.send_file(kind, repo, self.query["Revision"], self.query["FilePath"])

    def huggingface_info(self, kind: str, repo: str, revision: str) -> None:
        if not any(key[:2] == (kind, repo) for key in self.fake.repositories):
            return self.refuse("RepoNotFound")
        files = self.fake.repositories.get((kind, repo, revision))
        if files is None:
            return self.refuse("RevisionNotFound")
        siblings = [_sibling(path, content) for path, content in files.items()]
        self.answer({"id": repo, "sha": self.fake.commit(kind, repo, revision), "siblings": siblings})
        return None

    def huggingface_tree(self, kind: str, repo: str, revision: str) -> None:
        files = self.fake.repositories[kind, repo, revision]
        self.answer([_tree_entry(path, content) for path, content in files.items()])

    def huggingface_file(self, kind: str, repo: str, revision: str, path: str) -> None:
        content = self.fake.repositories.get((kind, repo, revision), {}).get(path, b"")
        etag = f'"{_sha256(content) if is_large(path) else _git_sha1(content)}"'
        headers = {"X-Repo-Commit": self.fake.commit(kind, repo, revision), "ETag": etag}
        self.send_file(kind, repo, revision, path, headers)

    def send_file(self, kind: str, repo: str, revision: str, path: str, headers: dict[str, str] | None = None) -> None:
        files = self.fake.repositories.get((kind, repo, revision), {})
        if path not in files or path in self.fake.withheld:
            return self.refuse("EntryNotFound")
        content = self.fake.served_instead.get(path, files[path])
        prompts = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start = int(prompts[1]) if prompts else 0
        body = content[start : int(prompts[2]) + 1 if prompts and prompts[2] else None]
        self.send_response(206 if prompts else 200)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        if prompts:
            self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{len(content)}")
        self.end_headers()
        if self.command == "HEAD":
            return None
        self.fake.transfers.append(Request(path, start))
        broken = self.fake.break_after.pop(path, None)
        self.send_slowly(body[:broken], self.fake.slow.get(path, 0.0))
        self.close_connection = broken is not None
        return None

    def send_slowly(self, body: bytes, seconds: float) -> None:
        size = max(1, len(body) // (50 if seconds else 1))
        with suppress(BrokenPipeError, ConnectionResetError):  # whoever asked has been ended
            for start in range(0, len(body), size):
                self.wfile.write(body[start : start + size])
                time.sleep(seconds / 50)

    def answer(self, value: Any) -> None:
        self.send_json(200, value)

    def send_json(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, code: str) -> None:
        body = json.dumps({"Code": 404, "Message": code, "error": code}).encode()
        self.send_response(404)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the test's own output matters."""


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _sibling(path: str, content: bytes) -> dict[str, Any]:
    lfs = {"size": len(content), "sha256": _sha256(content), "pointerSize": 130} if is_large(path) else None
    return {"rfilename": path, "size": len(content), "blobId": _git_sha1(content), "lfs": lfs}


def _tree_entry(path: str, content: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": _git_sha1(content)}
    if is_large(path):
        entry["lfs"] = {"size": len(content), "oid": _sha256(content), "pointerSize": 130}
    return entry
