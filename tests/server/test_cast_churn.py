"""Characters are added, replaced and removed on a real model while clients ask without a pause: none fails."""

from __future__ import annotations

import itertools
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from offbook.server import cast_sources
from offbook.server.api import create_app
from offbook.server.cast import Cast, Member
from offbook.server.cast_sources import CastSources, CastWatcher
from offbook.server.http_server import server
from offbook.server.listening import bind
from offbook.server.middleware import Guard
from offbook.server.run_folders import version
from tests.generation.conftest import adapter_folder
from tests.server.test_transformers_host import alone, runs

QUESTION = "Who are you?"
HEADERS = {"Authorization": "Bearer sesame"}


@dataclass
class Reply:
    """What a client got, and from when to when it waited."""

    model: str
    begun: float
    ended: float
    status: int
    text: str


@dataclass
class Period:
    """A time in which a character was there, or not (None), and what it says then."""

    model: str
    begun: float
    text: str | None
    ended: float = float("inf")


@contextmanager
def watching(folder: Path) -> Iterator[tuple[str, Cast]]:
    """A server with transformers behind it on a watched folder, in this process."""
    sources = CastSources([str(folder)], engine="transformers")
    cast = Cast(sources.open_base)
    cast.add(sources.resolve(), version)
    watcher = CastWatcher(cast, sources)

    def manage(add: list[str], remove: list[str]) -> None:
        cast.add([sources.run_of(name) for name in add], version)
        for name in remove:
            cast.remove(name)

    app = Guard(create_app(cast, manage=manage), host="127.0.0.1", key="sesame")  # type: ignore[arg-type]
    ready = threading.Event()
    with bind("127.0.0.1", 0) as listener:
        running = server(app, cast, 5, ready.set)
        thread = threading.Thread(target=running.run, args=([listener],))
        thread.start()
        assert ready.wait(10)
        watcher.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", cast
        finally:
            watcher.stop()
            running.should_exit = True
            cast.abort_all()
            thread.join(20)
            watcher.join()
            cast.close()


def ask(address: str, model: str, *, stream: bool = False) -> Reply:
    body = {"model": model, "messages": [{"role": "user", "content": QUESTION}], "temperature": 0, "stream": stream}
    begun = time.monotonic()
    answer = httpx2.post(f"{address}/v1/chat/completions", json=body, headers=HEADERS, timeout=60)
    ended = time.monotonic()
    if answer.status_code != 200:
        return Reply(model, begun, ended, answer.status_code, answer.json()["error"]["message"])
    if not stream:
        return Reply(model, begun, ended, 200, answer.json()["choices"][0]["message"]["content"].strip())
    events = [json.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: {")]
    text = "".join(event["choices"][0]["delta"].get("content", "") for event in events)
    return Reply(model, begun, ended, 200, text.strip())


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def adapters(trained: Path, tmp_path: Path) -> dict[str, Path]:
    """Runs of Ann, Ben, Cleo, and of another Ben; each says something else."""
    folders = dict(zip(("ann", "ben", "cleo"), runs(trained, tmp_path / "made"), strict=True))
    folders["other ben"] = shutil.copytree(folders["ben"], tmp_path / "other" / "ben")
    adapter_folder(folders["other ben"] / "adapter", 7)
    return folders


def test_clients_that_ask_all_the_time_notice_nothing(
    adapters: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cast_sources, "WATCH_SECONDS", 0.1)
    texts = {name: alone(folder, QUESTION) for name, folder in adapters.items()}
    assert len(set(texts.values())) == 4
    folder = tmp_path / "cast"
    for name in ("ann", "ben"):
        shutil.copytree(adapters[name], folder / name)
    replies: list[Reply] = []
    periods = [Period("ann", 0, texts["ann"]), Period("ben", 0, texts["ben"]), Period("cleo", 0, None)]

    def change(model: str, text: str | None, work: Callable[[], object], is_done: Callable[[], bool]) -> None:
        """Let a character come, go or be another, and be asked twice after that."""
        last = next(period for period in reversed(periods) if period.model == model)
        last.ended = time.monotonic()
        work()
        wait_until(is_done)
        begun = time.monotonic()
        periods.append(Period(model, begun, text))
        wait_until(lambda: sum(reply.model == model and reply.begun >= begun for reply in replies) >= 2)

    with watching(folder) as (address, cast):
        over = threading.Event()

        def insist(client: int) -> None:
            for number in itertools.count(client):
                if over.is_set():
                    return
                replies.append(ask(address, ("ann", "ben", "cleo")[number % 3], stream=client % 2 == 0))

        def is_there(name: str) -> bool:
            return name in [member.model.name for member in cast.members]

        def replacement_of(member: Member) -> Callable[[], bool]:
            return lambda: cast.find("ben")[0] is not member and not member.requests

        def post(**body: list[str]) -> None:
            answer = httpx2.post(f"{address}/v1/cast", json=body, headers=HEADERS, timeout=60)
            assert answer.status_code == 200, answer.text

        def put(name: str, to: Path) -> None:
            """Lay a run into the folder as `train` does: it appears complete."""
            shutil.copytree(adapters[name], tmp_path / "beside")
            (tmp_path / "beside").rename(to)

        def replace(name: str) -> None:
            weights = folder / "ben" / "adapter" / "adapter_model.safetensors"
            shutil.copy(adapters[name] / "adapter" / weights.name, weights.with_name("new"))
            weights.with_name("new").rename(weights)

        def put_back() -> None:
            replace("ben")
            post(add=["ben"])

        with ThreadPoolExecutor(6) as clients:
            clients_done = clients.map(insist, range(6))
            try:
                wait_until(lambda: {reply.model for reply in replies} == {"ann", "ben", "cleo"})
                change("cleo", texts["cleo"], lambda: put("cleo", folder / "cleo"), lambda: is_there("cleo"))
                is_replaced = replacement_of(cast.find("ben")[0])
                change("ben", texts["other ben"], lambda: replace("other ben"), is_replaced)
                change("cleo", None, lambda: post(remove=["cleo"]), lambda: not is_there("cleo"))
                change("cleo", texts["cleo"], lambda: post(add=["cleo"]), lambda: is_there("cleo"))
                change("ben", texts["ben"], put_back, lambda: True)
                change("cleo", None, lambda: shutil.rmtree(folder / "cleo"), lambda: not is_there("cleo"))
            finally:
                over.set()
            assert list(clients_done) == [None] * 6, "no client was hung up on"

    seen: dict[int, int] = {}
    for reply in replies:
        reference = [
            (index, period) for index, period in enumerate(periods)
            if period.model == reply.model and period.begun <= reply.begun and reply.ended <= period.ended
        ]  # fmt: skip
        for index, period in reference:  # none where it was asked during a change: then either is right
            seen[index] = seen.get(index, 0) + 1
            if period.text is None:
                assert reply.status == 404
                assert "'cleo'" in reply.text
            else:
                assert (reply.status, reply.text) == (200, period.text), reply
        if not reference:
            allowed = {period.text for period in periods if period.model == reply.model}
            assert reply.text in allowed or (reply.status == 404 and None in allowed and "'cleo'" in reply.text)
    assert len(seen) == len(periods), "each was asked in each state"


def test_one_that_a_client_removed_stays_out_until_its_files_change(
    adapters: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cast_sources, "WATCH_SECONDS", 0.05)
    folder = tmp_path / "cast"
    for name in ("ann", "ben"):
        shutil.copytree(adapters[name], folder / name)
    with watching(folder) as (address, cast):
        httpx2.post(f"{address}/v1/cast", json={"remove": ["ben"]}, headers=HEADERS, timeout=60)
        time.sleep(0.5)
        assert [member.model.name for member in cast.members] == ["ann"]
        shutil.rmtree(folder / "ben")
        time.sleep(0.2)
        shutil.copytree(adapters["other ben"], folder / "ben")
        wait_until(lambda: len(cast.members) == 2)


def test_weights_that_are_still_being_copied_do_not_end_the_watch(
    adapters: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cast_sources, "WATCH_SECONDS", 0.05)
    folder = tmp_path / "cast"
    shutil.copytree(adapters["ann"], folder / "ann")
    with watching(folder) as (address, cast):
        run = shutil.copytree(adapters["ben"], folder / "ben")
        weights: Any = run / "adapter" / "adapter_model.safetensors"
        content = weights.read_bytes()
        for part in (8, 500, len(content) // 2):
            weights.write_bytes(content[:part])
            time.sleep(0.3)
            assert ask(address, "ann").status == 200
        refused = httpx2.post(f"{address}/v1/cast", json={"add": ["ben"]}, headers=HEADERS, timeout=60)
        assert refused.status_code == 400
        assert "is damaged" in refused.json()["error"]["message"]
        weights.write_bytes(content)
        wait_until(lambda: "ben" in [member.model.name for member in cast.members])
        wait_until(lambda: ask(address, "ben").text == alone(adapters["ben"], QUESTION))
