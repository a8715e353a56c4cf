"""Jobs: processes that outlive the studio, run once, in an order that can be changed; their state is their files."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from offbook.core.i18n import use_language
from offbook.core.progress import Message, fill, sources
from offbook.studio.context import Studio
from offbook.studio.jobs import JobRecord, JobRequest, create
from offbook.studio.queue import JobQueue
from offbook.studio.runner import claim
from tests.studio.conftest import Client

QUICK = ["--version"]


@pytest.fixture
def slow() -> list[str]:
    """A command that goes on until it is ended: the studio of another folder."""
    return ["studio", "elsewhere", "--no-open", "--port", "0"]


def slow_job(studio: Studio, slow: list[str], kind: str = "train", subject: str = "Ann") -> dict[str, Any]:
    job = studio.queue.submit(kind, subject, slow, details={"run": subject})
    wait_until(lambda: job.state == "running" and job.process is not None)
    return job.as_json()


def wait_until(condition: Any, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_one_goes_after_the_other_and_the_order_can_change(client: Client, studio: Studio, slow: list[str]) -> None:
    first = slow_job(studio, slow)
    a, b, c = (studio.queue.submit("check", name, QUICK) for name in "abc")
    moved = client.post(f"/api/jobs/{c.id}/move", {"before": a.id})
    assert [job["subject"] for job in moved if job["state"] == "queued"] == ["c", "a", "b"]
    moved = client.post(f"/api/jobs/{c.id}/move", {"before": None})
    assert [job["subject"] for job in moved if job["state"] == "queued"] == ["a", "b", "c"]
    client.post(f"/api/jobs/{first['id']}/move", {}, 409)
    client.post(f"/api/jobs/{b.id}/cancel")
    client.post(f"/api/jobs/{first['id']}/cancel")
    client.wait(first, "cancelled")
    assert client.wait(c.as_json())["started"] > client.wait(a.as_json())["started"]
    assert b.state == "cancelled"
    assert not (b.folder / "pid").exists()


def test_a_text_is_read_while_a_training_runs(studio: Studio, slow: list[str]) -> None:
    slow_job(studio, slow)
    beside = studio.queue.submit("speakers", "play.txt", QUICK)
    wait_until(lambda: beside.state == "done")


def test_a_job_outlives_its_studio_and_the_next_one_sees_it(studio: Studio, slow: list[str]) -> None:
    job = slow_job(studio, slow)
    studio.queue.stop()
    other = JobQueue(studio.workspace.jobs, studio.workspace.root)
    assert other.get(job["id"]).state == "running"
    process = other.get(job["id"]).process
    assert process is not None
    assert os.getsid(process.pid) == process.pid


def test_a_killed_job_is_interrupted_and_can_be_done_again(client: Client, studio: Studio, slow: list[str]) -> None:
    job = slow_job(studio, slow)
    process = studio.queue.get(job["id"]).process
    assert process is not None
    process.send_signal(signal.SIGKILL)
    client.wait(job, "interrupted")
    again = client.post(f"/api/jobs/{job['id']}/resume")
    assert again["details"]["resumes"] == job["id"]
    assert again["command"].endswith("--resume")  # a training goes on
    client.wait(again, "failed")  # `studio` knows no --resume
    assert client.get(f"/api/jobs/{again['id']}")["exit_code"] == 2


def test_another_process_with_its_number_is_not_the_job(studio: Studio) -> None:
    job = create(studio.workspace.jobs, JobRequest("x", "y", QUICK))
    with subprocess.Popen(["sleep", "100"]) as other:
        started = psutil.Process(other.pid).create_time()
        (job.folder / "pid").write_text(f"{other.pid} {started}")
        assert job.process is not None
        (job.folder / "pid").write_text(f"{other.pid} {started - 1000}")
        assert job.process is None
        job.kill()
        assert other.poll() is None
        other.kill()
    assert job.state == "interrupted"


def test_only_one_process_gets_a_job(tmp_path: Path) -> None:
    job = create(tmp_path, JobRequest("x", "y", QUICK))
    results: list[bool] = []
    threads = [threading.Thread(target=lambda: results.append(claim(job.folder))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] * 7 + [True]


def test_a_job_that_was_killed_while_it_claimed_is_not_lost(studio: Studio) -> None:
    job = create(studio.workspace.jobs, JobRequest("x", "y", QUICK))
    (job.folder / "pid").touch()
    states = [job.state]
    os.utime(job.folder / "pid", (1, 1))
    assert [*states, job.state] == ["running", "interrupted"]


def test_secrets_are_in_the_environment_of_the_process_alone(studio: Studio, slow: list[str]) -> None:
    job = studio.queue.submit("push", "Ann", slow, secrets={"HF_TOKEN": "hf_secret-of-the-test"})
    wait_until(lambda: job.state == "running" and job.process is not None)
    process = job.process
    assert process is not None
    assert process.environ()["HF_TOKEN"] == "hf_secret-of-the-test"
    assert "hf_secret" not in " ".join(process.cmdline())
    written = [path.read_bytes() for path in studio.workspace.root.rglob("*") if path.is_file()]
    assert not any(b"hf_secret" in content for content in written)


def test_events_come_with_the_place_to_go_on_from(client: Client, studio: Studio) -> None:
    job = create(studio.workspace.jobs, JobRequest("train", "Ann", QUICK, details={"run": "Ann"}))
    lines = ['{"event": "stage", "text": "One"}', "a library says", '{"event": "progress", "done": 1, "total": 2}']
    (job.folder / "pid").write_text("1 1")
    (job.folder / "rc").write_text("3")
    (job.folder / "stderr").write_text("\n".join(lines) + '\n{"event": "err')
    shown = client.get(f"/api/jobs/{job.id}")
    assert (shown["state"], shown["stage"], shown["progress"]["done"]) == ("failed", "One", 1)
    seen = list(job.events())
    assert [event["event"] for _, event in seen] == ["stage", "text", "progress"]
    assert [event["event"] for _, event in job.events(seen[0][0])] == ["text", "progress"]
    stream = client.http.get(f"/api/jobs/{job.id}/events?after={seen[1][0]}").text
    assert stream.startswith("event: message\nid: ")
    assert stream.count("event: message") == 1
    assert "event: job" in stream


def test_a_talk_ends_when_no_page_shows_it_any_more(
    client: Client, studio: Studio, slow: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offbook.studio.queue.AWAY_SECONDS", 1.0)
    job = slow_job(studio, slow, "talk")
    for _ in range(8):
        time.sleep(0.2)
        assert client.get(f"/api/jobs/{job['id']}")["state"] == "running"
    wait_until(lambda: studio.queue.get(job["id"]).state == "cancelled", 10)


def test_old_jobs_go_and_what_pages_look_for_stays(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.queue.stop()

    def ended(kind: str, subject: str, created: float, **details: Any) -> JobRecord:
        job = create(studio.workspace.jobs, JobRequest(kind, subject, QUICK, details=details, created=created))
        (job.folder / "pid").write_text("1 1")
        (job.folder / "rc").write_text("0")
        return job

    old = [ended("check", "Ann", number) for number in range(4)]
    runs = [ended("train", "Ann", 10, run="a"), ended("train", "Ann", 11, run="b")]
    waiting = create(studio.workspace.jobs, JobRequest("check", "Ann", QUICK, created=0))
    (waiting.folder / "pid").touch()
    monkeypatch.setattr("offbook.studio.old_jobs.KEPT", 1)
    studio.queue.tick()
    left = {each.id for each in studio.queue.list()}
    assert left == {waiting.id, old[-1].id, *(each.id for each in runs)}
    monkeypatch.setattr("offbook.studio.old_jobs.MOST", 1)
    studio.queue._over.clear()  # as after a start
    studio.queue.tick()
    assert {each.id for each in studio.queue.list()} == {waiting.id, runs[-1].id}


def test_a_job_that_is_paused_does_nothing_and_can_still_be_stopped(
    client: Client, studio: Studio, slow: list[str]
) -> None:
    job = slow_job(studio, slow)
    assert client.post(f"/api/jobs/{job['id']}/pause")["paused"]
    assert client.get(f"/api/jobs/{job['id']}")["state"] == "running"
    assert not client.post(f"/api/jobs/{job['id']}/pause", {"paused": False})["paused"]
    client.post(f"/api/jobs/{job['id']}/pause")
    client.post(f"/api/jobs/{job['id']}/stop")
    client.wait(job, "interrupted")
    client.post(f"/api/jobs/{job['id']}/pause", status=409)


def test_what_a_job_warns_of_is_kept_however_much_it_says_afterwards(client: Client, studio: Studio) -> None:
    job = create(studio.workspace.jobs, JobRequest("train", "Ann", QUICK))
    warning = '{"event": "warning", "text": "Nothing is held out: --data.heldout 0.1"}'
    steps = ['{"event": "progress", "done": 1, "total": 9}'] * 5000
    (job.folder / "pid").write_text("1 1")
    (job.folder / "rc").write_text("0")
    (job.folder / "stderr").write_text("\n".join([warning, *steps, warning, ""]))
    assert client.get(f"/api/jobs/{job.id}")["warnings"] == ["Nothing is held out: data.heldout = 0.1"]


def test_what_a_job_says_is_told_in_the_language_of_each_reader(client: Client, studio: Studio) -> None:
    use_language("zh")
    try:
        warning = Message("warning", fill("skipped: {row}", {"row": "rows.jsonl:3"})).as_dict()
        what = fill("out of memory with micro-batches of up to {tokens} tokens", {"tokens": 64})
        fix = fill("Make room, then begin it again.", {})
        in_chinese = {"event": "error", "text": what, "fix": fix, **sources(text=what, fix=fix)}
    finally:
        use_language("en")
    in_english = {"event": "error", "text": "the disk is full", "fix": "Make room, then begin it again."}
    for lang, event in (("zh", in_chinese), ("en", in_english)):
        job = create(studio.workspace.jobs, JobRequest("train", "Ann", QUICK, lang=lang))
        (job.folder / "pid").write_text("1 1")
        (job.folder / "rc").write_text("1")
        (job.folder / "stderr").write_text("".join(json.dumps(line) + "\n" for line in (warning, event)))
        english, chinese = (
            client.get(f"/api/jobs/{job.id}", headers={"Accept-Language": reader}) for reader in ("en", "zh")
        )
        assert english["warnings"] == ["skipped: rows.jsonl:3"]
        assert english["error"]["text"] in ("out of memory with micro-batches of up to 64 tokens", "the disk is full")
        assert english["error"]["fix"] == "Make room, then begin it again."
        assert "sources" not in english["error"]
        for text in [*chinese["warnings"], chinese["error"]["text"], chinese["error"]["fix"]]:
            assert re.search("[\u4e00-\u9fff]", text), text


def test_a_job_that_says_nothing_for_long_is_said_to(client: Client, studio: Studio, slow: list[str]) -> None:
    job = slow_job(studio, slow)
    assert client.get(f"/api/jobs/{job['id']}")["silent"] == 0
    for name in ("stderr", "pid"):
        os.utime(studio.queue.get(job["id"]).folder / name, (time.time() - 301,) * 2)
    assert client.get(f"/api/jobs/{job['id']}")["silent"] == 5
    client.post(f"/api/jobs/{job['id']}/cancel")
    assert client.wait(job, "cancelled")["silent"] == 0


def test_what_waits_is_bounded(client: Client, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.queue.stop()
    monkeypatch.setattr("offbook.studio.queue.MAX_WAITING", 2)
    client.upload("a.txt", b"ANN: Hi.\n" * 3)
    for _ in range(2):
        client.post("/api/bases", {"source": "hf:org/tiny"})
    refused = client.post("/api/bases", {"source": "hf:org/tiny"}, 409)
    assert refused["error"]["message"] == "2 jobs wait already"
    client.post("/api/characters", {"source": "a.txt", "role": "ANN"}, 409)
    assert client.get("/api/characters") == [], "nothing is left half made"
    client.post(f"/api/jobs/{studio.queue.list()[0].id}/cancel")
    client.post("/api/bases", {"source": "hf:org/tiny"})


def test_a_damaged_job_hides_no_other(studio: Studio) -> None:
    job = create(studio.workspace.jobs, JobRequest("x", "y", QUICK))
    (studio.workspace.jobs / "20260101-000000-aaaa").mkdir()
    (studio.workspace.jobs / "20260101-000000-bbbb").mkdir()
    (studio.workspace.jobs / "20260101-000000-bbbb" / "job.json").write_text("{")
    assert [each.id for each in studio.queue.list()] == [job.id]
    assert JobRecord(job.folder).request.argv == QUICK


def test_what_the_system_refuses_to_begin_is_begun_later(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offbook.studio.queue.RETRY_SECONDS", 0.05)
    begin, refusals = JobQueue._begin, [OSError(errno.ENOSPC, "No space left on device"), psutil.NoSuchProcess(1)]

    def refuse(queue: JobQueue, job: JobRecord) -> None:
        if refusals:
            raise refusals.pop()
        begin(queue, job)

    monkeypatch.setattr(JobQueue, "_begin", refuse)
    job = studio.queue.submit("check", "Ann", QUICK)
    wait_until(lambda: job.state == "done")
    assert not refusals


def test_a_job_that_the_full_disk_left_no_word_of_says_so(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    job = create(studio.workspace.jobs, JobRequest("train", "Ann", QUICK))
    (job.folder / "pid").write_text("1 1.0\n", encoding="ascii")
    assert job._to_json()["error"] is None
    full = SimpleNamespace(free=0)
    monkeypatch.setattr("offbook.studio.jobs.shutil.disk_usage", lambda folder: full)
    assert job._to_json()["error"]["text"] == "the disk is full"
