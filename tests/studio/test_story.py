"""The way through, by the API alone: a text is dropped, and at the end its character has been trained and judged."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offbook.studio.context import Studio
from tests.conftest import ROWS
from tests.studio.conftest import Client


def play() -> bytes:
    """A script in which HAMLET answers."""
    return "\n\n".join(f"FRIEND: {row['instruction']}\n\nHAMLET: {row['output']}" for row in ROWS).encode()


def events(client: Client, path: str, **options: Any) -> list[tuple[str, Any, str]]:
    """(event, data, id) of a stream that ends."""
    result = []
    for block in client.http.get(path, **options).text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            result.append((fields["event"], json.loads(fields["data"]), fields.get("id", "")))
    return result


def wait_for(condition: Callable[[], bool], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.torture  # the page goes the same way by clicks, in every run of the tests
@pytest.mark.timeout(900)
def test_from_a_text_to_a_character_to_take_along(client: Client, studio: Studio, tiny: Path) -> None:
    client.upload("play.txt", play())
    made = client.post("/api/characters", {"source": "play.txt", "role": "HAMLET"}, 201)
    client.wait(made["job"])
    address = "/api/characters/HAMLET"
    first = client.get(f"{address}/rows")["rows"][0]
    client.post(f"{address}/edits", {"op": "exclude", "row": first["id"]})

    settings = {"model.source": str(tiny), "data.heldout": 0.2, "data.replay": None, "train.epochs": 4}
    settings |= {"train.batch_size": 4, "train.learning_rate": 0.01, "train.log_steps": 2, "train.heldout_steps": 4}
    settings |= {"generation.max_new_tokens": 8, "evaluate.prompts": 3, "track.trackers": []}
    changed = client.patch(f"{address}/config", settings)
    assert changed["values"]["train.epochs"] == 4
    assert client.patch(f"{address}/config", {"train.epochz": 4}, 400)["error"]["message"]

    client.wait(client.post(f"{address}/check", {"data_only": True}))
    checked = client.get(f"{address}/check")
    assert checked["report"]["rows"] == len(ROWS) - 1
    assert checked["stale"] is False
    rows = client.get(f"{address}/rows")["rows"]
    assert sum(bool(each["heldout"]) for each in rows) == checked["report"]["heldout_rows"] > 0
    assert rows[0]["heldout"] is False

    job = client.post(f"{address}/train")
    run = job["details"]["run"]
    assert "train -c characters/HAMLET/run.yaml" in job["command"]
    seen = events(client, f"/api/runs/{run}/stream")
    client.wait(job)
    kinds = [kind for kind, _, _ in seen]
    assert kinds[-1] == "state"
    lines = [line for kind, data, _ in seen if kind == "metrics" for line in data]
    heldout = [line["heldout_loss"] for line in lines if "heldout_loss" in line]
    assert heldout[-1] < heldout[0]
    number = [number for kind, _, number in seen if kind == "metrics"][-1]
    again = events(client, f"/api/runs/{run}/stream", headers={"Last-Event-ID": number})
    assert not [kind for kind, _, _ in again if kind == "metrics"]
    assert events(client, f"/api/jobs/{job['id']}/events")[-1][1]["state"] == "done"

    verdict = client.get(f"/api/runs/{run}/verdict")
    assert verdict["headline"]
    assert all({"text", "number", "option"} <= set(each) for each in verdict["sentences"])
    report = client.http.get(f"/api/runs/{run}/report")
    assert report.headers["content-security-policy"].startswith("sandbox")
    home = client.get("/api/home")
    assert [(each["name"], each["state"], each["run"]) for each in home["characters"]] == [("HAMLET", "finished", run)]
    assert home["characters"][0]["last_line"]

    next_job = client.post(f"/api/runs/{run}/next", {"option": "train.epochs", "value": 1})
    client.wait(next_job)
    other = next_job["details"]["run"]
    assert other != run
    compared = client.get(f"/api/compare?a={run}&b={other}")
    assert [each["name"] for each in compared["runs"]] == [run, other]
    assert compared["metrics"]

    talk = client.post(f"/api/runs/{run}/talk")
    assert client.post(f"/api/runs/{run}/talk")["job"]["id"] == talk["job"]["id"]
    wait_for(lambda: client.http.get(f"{talk['address']}health").status_code == 200)
    models = {each["id"] for each in client.get(f"{talk['address']}v1/models")["data"]}
    assert {run, other} <= models
    body = {"model": run, "messages": [{"role": "user", "content": "Who are you?"}], "max_tokens": 4}
    assert client.post(f"{talk['address']}v1/chat/completions", body)["choices"]
    page = client.http.get(talk["address"])
    assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
    assert 'src="page/main.js"' in page.text
    client.post(f"/api/jobs/{talk['job']['id']}/cancel")

    exported = client.post(f"/api/runs/{run}/export", {"format": "merged", "quant": "f32"})
    client.wait(exported["job"])
    (copy,) = client.get(f"/api/runs/{run}/exports")["exports"]
    assert (copy["format"], copy["passed"], bool(copy["parity"])) == ("merged", True, True)
    archive = client.http.get(f"/api/runs/{run}/exports/merged/download")
    with zipfile.ZipFile(io.BytesIO(archive.content)) as content:
        assert content.testzip() is None
        assert "merged-f32/model.safetensors" in content.namelist()
    assert client.post(f"/api/runs/{run}/export", {"format": "exe"}, 400)

    client.patch(f"/api/runs/{other}", {"name": "second"})
    client.patch(address, {"name": "Prince"})
    assert [each["character"] for each in client.get("/api/runs")] == ["Prince", "Prince"]
    assert client.get("/api/characters/Prince/size")["runs"]
    client.delete("/api/runs/second")
    client.delete("/api/characters/Prince?runs=true")
    assert (client.get("/api/runs"), client.get("/api/characters")) == ([], [])


@pytest.mark.torture
@pytest.mark.timeout(900)
@pytest.mark.torture
def test_a_first_try_learns_its_lines(client: Client, studio: Studio, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("OFFBOOK_HOME", str(tmp_path / "home"))
    begun = client.post("/api/demo", None, 201)
    assert "by heart" in begun["expect"]
    client.wait(begun["job"], seconds=600)
    run = client.get(f"/api/runs/{begun['run']}")
    losses = [loss for _, loss in run["losses"]["loss"]]
    assert losses[-1] < losses[0] / 2
    prompt, reply = run["samples"][0]["prompt"], run["samples"][0]["tuned"]
    rows = client.get(f"/api/characters/{begun['name']}/rows")["rows"]
    assert reply in [row["reply"] for row in rows if row["prompt"] == prompt]
    source = client.get(f"/api/characters/{begun['name']}/rows/{rows[0]['id']}/context")
    assert source["lines"]
