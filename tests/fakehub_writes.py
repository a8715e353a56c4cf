"""The writing half of the hub on loopback: accounts, new repositories, large files and commits, in both protocols."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_or_ms_token_of_the_tests"


@dataclass
class Account:
    """Who pushes, and what became of it."""

    token: str = TOKEN
    """The one that is accepted."""
    name: str = "me"
    repositories: dict[str, bool] = field(default_factory=dict)
    """ORG/NAME → whether it is private."""
    blobs: dict[str, bytes] = field(default_factory=dict)
    """sha256 → content of a large file that arrived."""
    break_puts: int = 0
    """So many transfers of large files break in their middle, one after the other."""
    puts: list[str] = field(default_factory=list)
    """sha256 of each large file whose transfer began."""
    lose: set[str] = field(default_factory=set)
    """Files that a commit forgets."""


class Writes:
    """Answers to what is sent; a base of the hub's request handler."""

    fake: Any
    headers: Any
    path: str
    rfile: Any
    close_connection: bool

    WRITES = (
        (r"/api/repos/create", "huggingface_create"),
        (r"/api/validate-yaml", "huggingface_yaml"),
        (r"/api/models/([^/]+/[^/]+)/preupload/[^/]+", "huggingface_modes"),
        (r"/api/models/([^/]+/[^/]+)/commit/main", "huggingface_commit"),
        (r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch", "huggingface_batch"),
        (r"/api/v1/models", "modelscope_create"),
        (r"/api/v1/repos/models/([^/]+/[^/]+)/info/lfs/objects/batch", "modelscope_batch"),
        (r"/api/v1/repos/models/([^/]+/[^/]+)/commit/master", "modelscope_commit"),
    )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.is_authorized():
            return self.send_json(
                401, {"error": "Invalid credentials in Authorization header", "Message": "no such token"}
            )
        for pattern, name in self.WRITES:
            match = re.fullmatch(pattern, urlsplit(self.path).path)
            if match:
                return getattr(self, name)(*map(unquote, match.groups()), body)
        return self.send_json(404, {"error": "no route"})

    def do_PUT(self) -> None:
        oid = self.path.rpartition("/")[2]
        size = int(self.headers["Content-Length"])
        self.fake.account.puts.append(oid)
        if self.fake.account.break_puts > 0:
            self.fake.account.break_puts -= 1
            self.rfile.read(size // 2)
            self.close_connection = True
            return
        self.fake.account.blobs[oid] = self.rfile.read(size)
        self.send_json(200, {"Code": 200})

    def is_authorized(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {self.fake.account.token}"

    def whoami(self) -> None:
        if not self.is_authorized():
            return self.send_json(
                401, {"error": "Invalid credentials in Authorization header", "Message": "no such token"}
            )
        name = self.fake.account.name
        return self.send_json(200, {"name": name, "type": "user", "data": {"username": name}, "success": True})

    def about(self, repo: str) -> None:
        private = self.fake.account.repositories.get(repo)
        if private is None:
            return self.refuse("RepoNotFound")
        siblings: list[Any] = []
        answer = {"id": repo, "private": private, "siblings": siblings}
        return self.send_json(200, {**answer, "success": True, "data": {"private": private}})

    def huggingface_create(self, body: bytes) -> None:
        wish = json.loads(body)
        repo = f"{wish['organization']}/{wish['name']}"
        return self.create(repo, wish.get("visibility") == "private", {".gitattributes": b"*.safetensors lfs\n"})

    def modelscope_create(self, body: bytes) -> None:
        wish = json.loads(body)
        initial = {".gitattributes": b"", "README.md": b"---\n---\n", "configuration.json": b"{}"}
        return self.create(f"{wish['Path']}/{wish['Name']}", wish["Visibility"] == 1, initial)

    def create(self, repo: str, private: bool, files: dict[str, bytes]) -> None:
        if repo in self.fake.account.repositories:
            return self.send_json(409, {"error": "You already created this repo", "Message": "repo already exists"})
        if repo.split("/")[0] != self.fake.account.name:
            return self.send_json(403, {"error": "not your organization", "Message": "no permission"})
        self.fake.account.repositories[repo] = private
        self.fake.add(repo, files)
        return self.send_json(200, {"url": f"{self.fake.address}/{repo}", "Code": 200, "Data": {"Name": repo}})

    def huggingface_yaml(self, body: bytes) -> None:
        self.send_json(200, {})

    def huggingface_modes(self, repo: str, body: bytes) -> None:
        files = [file["path"] for file in json.loads(body)["files"]]
        modes = [{"path": path, "uploadMode": "lfs" if is_large(path) else "regular"} for path in files]
        self.send_json(200, {"files": [{**mode, "shouldIgnore": False, "oid": None} for mode in modes]})

    def huggingface_batch(self, repo: str, body: bytes) -> None:
        self.send_json(200, {"objects": self.wanted(json.loads(body)["objects"]), "transfer": "basic"})

    def modelscope_batch(self, repo: str, body: bytes) -> None:
        self.send_json(200, {"Code": 200, "Data": {"objects": self.wanted(json.loads(body)["objects"])}})

    def wanted(self, objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What a large file's sender is told: where it goes, or nothing where it has arrived before."""
        result: list[dict[str, Any]] = []
        for entry in objects:
            href = {"href": f"{self.fake.address}/lfs/{entry['oid']}", "header": {}}
            stored = entry["oid"] in self.fake.account.blobs
            result.append({**entry} if stored else {**entry, "actions": {"upload": href}})
        return result

    def huggingface_commit(self, repo: str, body: bytes) -> None:
        new = {}
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                new[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                new[value["path"]] = self.fake.account.blobs[value["oid"]]
        commit = self.commit(repo, new)
        return self.send_json(200, {"commitUrl": f"{self.fake.address}/{repo}/commit/{commit}", "commitOid": commit})

    def modelscope_commit(self, repo: str, body: bytes) -> None:
        new = {}
        for action in json.loads(body)["actions"]:
            large = action["type"] == "lfs"
            content = self.fake.account.blobs[action["sha256"]] if large else base64.b64decode(action["content"])
            new[action["path"]] = content
        return self.send_json(200, {"Code": 200, "Success": True, "Data": {"oid": self.commit(repo, new)}})

    def commit(self, repo: str, new: dict[str, bytes]) -> str:
        old = self.fake.repositories["models", repo, "main"]
        files = {**old, **{name: content for name, content in new.items() if name not in self.fake.account.lose}}
        return str(self.fake.add(repo, files))

    def send_json(self, status: int, value: Any) -> None:
        raise NotImplementedError

    def refuse(self, code: str) -> None:
        raise NotImplementedError


def is_large(path: str) -> bool:
    """Whether a file goes to the store for large ones."""
    return path.endswith((".safetensors", ".parquet", ".bin", ".gguf"))
