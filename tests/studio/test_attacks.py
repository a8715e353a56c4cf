"""What somebody tries who has sent a folder, a run or a request: it is refused, or stays what it is."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.studio.context import Studio
from offbook.studio.jobs import JobRecord, JobRequest, create
from offbook.studio.new_character import Persona, make_folder
from offbook.studio.workspace import Workspace
from tests.studio.conftest import Client
from tests.studio.test_rows import row, write_lines


@pytest.fixture
def ann(studio: Studio) -> Path:
    folder = studio.workspace.characters / "Ann"
    make_folder(folder, Persona.of("Ann"))
    write_lines(folder / "lines.jsonl", [row(1), row(2)])
    return folder


def test_a_folder_that_somebody_sends_begins_no_job_and_has_no_token_of_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFBOOK_HOME", str(tmp_path / "home"))
    sent = Workspace(tmp_path / "sent")
    planted = create(sent.jobs, JobRequest("push", "Ann", ["push", "runs/Ann", "hf:them/ann"]))
    (sent.state / "token").write_text("known-to-them")
    (sent.state / "seal").write_text("0" * 64)
    with sent.locked():
        token = sent.token()
        assert token != "known-to-them"
        assert JobRecord(planted.folder).state == "cancelled"
        later = create(sent.jobs, JobRequest("check", "Ann", ["--version"]))
    with sent.locked():  # after a restart it is one's own
        assert sent.token() == token
        assert JobRecord(later.folder).state == "queued"


def test_a_state_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "sent").mkdir()
    (tmp_path / "sent" / ".studio").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError), Workspace(tmp_path / "sent").locked():
        pass
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_links_and_pipes_among_a_character_s_files(client: Client, ann: Path, tmp_path: Path) -> None:
    target = tmp_path / "profile"
    target.write_text("export PATH\n")
    (ann / "edits.jsonl").symlink_to(target)
    name = client.get("/api/characters/Ann/rows")["rows"][0]["id"]
    client.post("/api/characters/Ann/edits", {"op": "exclude", "row": name}, 400)
    assert target.read_text() == "export PATH\n"
    for file in ("edits.jsonl", "lines.jsonl"):
        (ann / file).unlink()
        os.mkfifo(ann / file)
    assert client.get("/api/characters/Ann/rows")["total"] == 0


def test_what_lies_behind_a_link_is_neither_listed_nor_copied(
    client: Client, ann: Path, run: Path, studio: Studio, tmp_path: Path
) -> None:
    shutil.copytree(ann, tmp_path / "theirs")
    shutil.copytree(run, tmp_path / "their run")
    (studio.workspace.characters / "link").symlink_to(tmp_path / "theirs")
    (studio.workspace.runs / "link").symlink_to(tmp_path / "their run")
    (tmp_path / "secret").write_text("secret")
    (ann / "notes.txt").symlink_to(tmp_path / "secret")
    (run / "report.html").symlink_to(tmp_path / "secret")
    home = client.get("/api/home")
    assert [[each["name"] for each in home[kind]] for kind in ("characters", "runs")] == [["Ann"], ["Ann"]]
    assert client.http.get("/api/runs/Ann/report").status_code == 404
    copy = studio.workspace.characters / client.post("/api/characters/Ann/duplicate")["name"]
    assert not (copy / "notes.txt").exists()
    assert (copy / "lines.jsonl").is_file()


def test_an_export_that_is_a_link_is_not_handed_out(client: Client, run: Path, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "id").write_text("secret")
    (run / "export").mkdir()
    (run / "export" / "gguf").symlink_to(tmp_path / "secrets")
    assert client.http.get("/api/runs/Ann/exports/gguf/download").status_code == 404
    (run / "export" / "gguf").unlink()
    (run / "export").rmdir()
    (run / "export").symlink_to(tmp_path)
    assert client.http.get("/api/runs/Ann/exports/secrets/download").status_code == 404


def test_numbers_that_are_none_reach_no_browser(client: Client, run: Path) -> None:
    (run / "eval.json").write_text('{"headline": "h", "verdict": [], "heldout": {"tuned": {"loss": NaN}}}')
    (run / "metrics.jsonl").write_text('{"step": 1, "loss": NaN}\n{"step": 2, "loss": 2.0, "x": Infinity}\n')
    assert client.get("/api/runs/Ann/verdict")["figures"]["heldout"]["tuned"]["loss"] is None
    assert client.get("/api/runs/Ann")["losses"]["loss"] == [[2, 2.0]]
    text = client.http.get("/api/runs/Ann/stream?after=0-0").text
    assert "NaN" not in text
    assert "Infinity" not in text
    assert client.http.get("/api/runs/Ann/stream", headers={"Last-Event-ID": f"{'9' * 5000}-1"}).is_success


def test_half_of_a_character_is_refused_and_two_halves_are_one(client: Client, ann: Path, run: Path) -> None:
    both = ("characters/Ann/edits", "row", "\U0001f600", 404)  # there is no such row
    halves = [
        (path, field, "\ud83d", 400) for path, field in (both[:2], ("runs/Ann/push", "what"), ("bases", "source"))
    ]
    for path, field, text, status in (*halves, both):
        body = json.dumps({"op": "exclude", "target": "hf:a/b", field: text})
        headers = {"Content-Type": "application/json"}
        assert client.http.post(f"/api/{path}", content=body, headers=headers).status_code == status


@pytest.mark.torture
def test_texts_that_no_file_can_hold_break_nothing(client: Client, ann: Path, run: Path, studio: Studio) -> None:
    """Each field of each request takes texts, a number and a list that it was not made for."""
    studio.queue.stop()
    sane = {"source": "a.txt", "role": "ANN", "row": "x", "op": "exclude", "target": "hf:a/b", "format": "gguf"}
    tried = 0
    for path, method, fields in operations_with_a_body(client.get("/openapi.json")):
        for field in fields:
            others = {name: sane[name] for name in fields if name in sane and name != field}
            for value in ("\ud800", "a\0b", "../x", "--help", "x" * 5000, float("inf"), ["\ud800"]):
                body = json.dumps({**others, field: value})
                headers = {"Content-Type": "application/json"}
                response = client.http.request(method, path, content=body, headers=headers)
                assert response.status_code < 500, (method, path, body[:200], response.text)
                tried += 1
    assert tried > 150


def operations_with_a_body(spec: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    """(path, method, fields) of the operations that take JSON."""
    operations = []
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            if reference := re.search(r"schemas/(\w+)", json.dumps(content)):
                fields = spec["components"]["schemas"][reference[1]].get("properties", {})
                operations.append((re.sub(r"\{\w+\}", "Ann", path), method.upper(), list(fields)))
            elif content:
                settings = ["persona.name", "data.source", "train.learning_rate", "track.trackers", "name"]
                operations.append((re.sub(r"\{\w+\}", "Ann", path), method.upper(), settings))
    return operations


@pytest.mark.parametrize("depth", [1_000, 400_000])
def test_json_that_is_nested_without_end(client: Client, ann: Path, run: Path, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    before = (ann / "run.yaml").read_text()
    for method, path, body in (
        ("PATCH", "/api/characters/Ann/config", f'{{"persona.greeting": {deep}}}'),
        ("POST", "/api/characters/Ann/edits", deep),
        ("POST", "/api/characters", f'{{"source": {deep}}}'),
    ):
        response = client.http.request(method, path, content=body, headers={"Content-Type": "application/json"})
        assert response.status_code in (400, 413), (path, response.status_code, response.text[:200])
    assert (ann / "run.yaml").read_text() == before
    (run / "eval.json").write_text(f'{{"verdict": {deep}}}')
    (ann / "edits.jsonl").write_text(f'{{"op": "edit", "row": "x", "messages": {deep}}}\n')
    assert client.get("/api/home")["runs"][0]["headline"] is None
    assert client.get("/api/characters/Ann/rows")["total"] == 2


def test_a_run_whose_files_hold_something_else(client: Client, run: Path, ann: Path) -> None:
    """Files of a run that somebody sends hold JSON of any shape: pages say so, and nothing breaks."""
    (run / "run.yaml").write_text("name: [1]\nmodel: 3\npersona: [x]\ndata: {source: {a: b}}\n")
    shapes: list[Any] = [[], {}, 3, "x", None, [3], {"verdict": 3}, {"verdict": [3]}, {"headline": [1], "verdict": {}}]
    for shape in shapes:
        for file in ("eval.json", "samples.json", "environment.json", "metrics.jsonl", "samples.jsonl"):
            (run / file).write_text(json.dumps(shape) + "\n")
        for path in ("home", "runs", "runs/Ann", "runs/Ann/verdict", "runs/Ann/exports", "characters/Ann"):
            response = client.http.get(f"/api/{path}")
            assert response.status_code < 500, (path, shape, response.text)


def test_lines_far_beyond_the_end(client: Client) -> None:
    client.upload("a.txt", b"ANN: Hi.\n" * 3)
    for query in ("offset=-5&limit=-1", f"offset={10**18}", f"offset={10**40}", "limit=100000000"):
        assert client.http.get(f"/api/sources/a.txt/lines?{query}").status_code in (200, 400)
    assert client.http.get(f"/api/characters/x/rows?offset={10**40}").status_code in (400, 404)
    began = time.monotonic()
    client.http.get("/api/sources/a.txt/lines?limit=1000")
    assert time.monotonic() - began < 2
