"""Many characters behind one address: each by its name, and they come and go while others speak."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from offbook.core.errors import UsageError
from offbook.server.cast import Cast, UnknownCharacterError
from offbook.tokenization.chat_template import ChatTemplate
from tests.server.conftest import FakeHost, Parrot, serving, source
from tests.tiny import chatml_tokenizer

KEY = {"Authorization": "Bearer sesame"}


def fake(slots: int = 2) -> FakeHost:
    parrot = Parrot(ChatTemplate(chatml_tokenizer()))
    return FakeHost(parrot, parrot, slots)


def ask(address: str, model: str, **options: Any) -> httpx2.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "Who are you?"}], **options}
    return httpx2.post(f"{address}/v1/chat/completions", json=body, headers=KEY, timeout=60)


def test_a_character_answers_to_its_name_and_its_base_to_that_with_base() -> None:
    cast = Cast(lambda _: fake())
    cast.add([source("ann"), source("ben")])
    assert cast.find("ben") == (cast.members[1], False)
    assert cast.find("ben:base") == (cast.members[1], True)
    for name in ("cleo", "", "gpt-4o"):
        with pytest.raises(UnknownCharacterError):
            cast.find(name)
    cast.close()


def test_one_alone_answers_to_any_name_but_not_to_that_of_one_who_left() -> None:
    cast = Cast(lambda _: fake())
    cast.add([source("ann")])
    assert cast.find("gpt-4o")[0].model.name == "ann"
    cast.add([source("ben")])
    cast.remove("ben")
    with pytest.raises(UnknownCharacterError) as raised:
        cast.find("ben")
    assert raised.value.has_left
    cast.close()


def test_characters_of_one_base_share_its_host_and_its_queue() -> None:
    opened: list[list[str]] = []

    def open_base(sources: Any) -> FakeHost:
        opened.append([each.name for each in sources])
        return fake()

    cast = Cast(open_base)
    cast.add([source("ann"), source("lin", "other"), source("ben")])
    cast.add([source("cleo")])
    assert opened == [["ann", "ben"], ["lin"]]
    stages = {member.model.name: member.stage for member in cast.members}
    assert stages["ann"] is stages["ben"] is stages["cleo"] is not stages["lin"]
    cast.close()


def test_a_base_that_cannot_take_a_character_is_opened_once_more() -> None:
    hosts = [fake(), fake()]
    hosts[0].accepts = lambda each: each.name != "ben"  # type: ignore[method-assign, assignment]
    remaining = iter(hosts)
    cast = Cast(lambda _: next(remaining))
    cast.add([source("ann"), source("ben")])
    assert [member.stage.host for member in cast.members] == hosts
    cast.close()


def test_a_name_that_is_not_there_cannot_be_removed() -> None:
    cast = Cast(lambda _: fake())
    cast.add([source("ann")])
    with pytest.raises(UsageError, match="no character 'ben'"):
        cast.remove("ben")
    cast.close()


def test_models_lists_all_with_their_cards() -> None:
    with serving(names=("ann", "ben")) as served:
        data = httpx2.get(f"{served.address}/v1/models").json()["data"]
        assert [entry["id"] for entry in data] == ["ann", "ann:base", "ben", "ben:base"]
        assert data[2]["offbook"]["name"] == "Ben"
        assert data[2]["offbook"]["greeting"] == "Who's there?"
        assert httpx2.get(f"{served.address}/v1/models/ben").json() == data[2]
        assert httpx2.get(f"{served.address}/v1/character").json()["model"] == "ann"
        assert httpx2.get(f"{served.address}/v1/character?model=ben").json()["model"] == "ben"
        assert ask(served.address, "ben").json()["model"] == "ben"
        assert ask(served.address, "ben:base").json()["model"] == "ben:base"
        refused = ask(served.address, "cleo")
        assert refused.status_code == 404
        assert refused.json()["error"]["code"] == "model_not_found"


def test_the_cast_changes_with_the_key_alone() -> None:
    with serving() as served:
        answer = httpx2.post(f"{served.address}/v1/cast", json={"add": ["ben"]})
        assert answer.status_code == 403
        assert "OFFBOOK_API_KEY" in answer.json()["error"]["message"]
    with serving(key="sesame") as served:
        assert httpx2.post(f"{served.address}/v1/cast", json={"add": ["ben"]}).status_code == 401
        changed = httpx2.post(f"{served.address}/v1/cast", json={"add": ["ben"], "remove": ["hamlet"]}, headers=KEY)
        assert changed.json() == {"cast": ["ben"]}
        gone = ask(served.address, "hamlet")
        assert gone.status_code == 404
        assert "The model 'hamlet' is not served here any more" in gone.json()["error"]["message"]
        wrong = httpx2.post(f"{served.address}/v1/cast", json={"remove": ["hamlet"]}, headers=KEY)
        assert (wrong.status_code, wrong.json()["error"]["message"]) == (400, "no character 'hamlet' is served")


@pytest.mark.parametrize("streamed", [False, True])
def test_a_character_that_leaves_ends_its_reply_first(streamed: bool) -> None:
    with serving(key="sesame", names=("ann", "ben"), slots=2) as served:
        served.tuned.gate.clear()
        host: Any = served.cast.members[0].stage.host
        with ThreadPoolExecutor() as pool:
            reply = pool.submit(ask, served.address, "ann", stream=streamed)
            while not served.scheduler.running:
                time.sleep(0.01)
            removing = pool.submit(served.cast.remove, "ann")
            time.sleep(0.1)
            assert ask(served.address, "ann").status_code == 404, "no further reply is begun"
            assert not removing.done()
            assert host.removed == [], "its adapter is needed still"
            served.tuned.gate.set()
            assert reply.result().status_code == 200
            assert "Who are you?" in reply.result().text or streamed
            removing.result(10)
        assert host.removed == ["ann"]


def test_no_request_fails_while_characters_come_are_replaced_and_go() -> None:
    with serving(key="sesame", names=("ann", "ben"), slots=4) as served:
        served.tuned.delay = 0.002
        over = threading.Event()

        def insist(_: int) -> list[int]:
            codes: list[int] = []
            while not over.is_set():
                codes.append(ask(served.address, "ann", stream=bool(len(codes) % 2)).status_code)
            return codes

        with ThreadPoolExecutor(8) as clients:
            answers = clients.map(insist, range(8))
            for _ in range(10):
                for change in ({"add": ["cleo"]}, {"add": ["ann", "cleo"]}, {"remove": ["cleo"]}):
                    answer = httpx2.post(f"{served.address}/v1/cast", json=change, headers=KEY, timeout=60)
                    assert answer.status_code == 200
            over.set()
            codes = [code for each in answers for code in each]
        assert set(codes) == {200}
        host: Any = served.cast.members[0].stage.host
        assert host.removed.count("ann") == 10
        assert host.removed.count("cleo") == 20
