"""The queue: many clients, slow ones, ones that go away, and a server that is told to stop."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx2
import openai
import pytest

from offbook.generation.text_chunk import TextChunk
from offbook.server.scheduler import stop_at_strings
from tests.server.conftest import Served, serving


def body(text: str = "Hello", **options: Any) -> Any:
    return {"model": "hamlet", "messages": [{"role": "user", "content": text}], **options}


def url(served: Served) -> Any:
    return f"{served.address}/v1/chat/completions"


def eventually(condition: Any, seconds: Any = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("slots", [1, 4])
def test_35_fifty_clients_at_once_get_their_own_answers(slots: int) -> None:
    async def ask(client: Any, number: Any) -> Any:
        stream = await client.chat.completions.create(**body(f"I am number {number}."), stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    async def ask_all(address: Any) -> Any:
        async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="x", max_retries=0, timeout=60) as client:
            return await asyncio.gather(*(ask(client, number) for number in range(50)))

    with serving(slots=slots) as served:
        answers = asyncio.run(ask_all(served.address))
        assert answers == [f"You said: I am number {number}." for number in range(50)]
        assert (served.scheduler.running, served.scheduler.waiting) == (0, 0)


def test_35_beyond_the_queue_clients_are_told_to_come_back() -> None:
    async def ask_all(address: Any, count: Any) -> Any:
        async with httpx2.AsyncClient(timeout=60) as client:

            async def ask() -> Any:
                return (await client.post(f"{address}/v1/chat/completions", json=body())).status_code

            requests = [asyncio.create_task(ask()) for _ in range(count)]
            await asyncio.wait(requests, return_when=asyncio.FIRST_COMPLETED)  # a refusal comes at once
            served.tuned.gate.set()
            return sorted(await asyncio.gather(*requests))

    with serving(queue=3) as served:
        served.tuned.gate.clear()
        assert asyncio.run(ask_all(served.address, 6)) == [200] * 4 + [429] * 2


@pytest.mark.parametrize("stream", [True, False])
def test_33_a_client_that_goes_away_stops_its_reply(stream: bool) -> None:
    with serving() as served:
        served.tuned.endless, served.tuned.delay = True, 0.005
        with pytest.raises(httpx2.ReadTimeout), httpx2.Client(timeout=0.3) as client:
            if stream:
                with client.stream("POST", url(served), json=body(stream=True, max_tokens=400)) as it:
                    next(it.iter_lines())
                    raise httpx2.ReadTimeout("enough")
            client.post(url(served), json=body(max_tokens=400))
        assert served.tuned.closed.wait(5), "the engine is told"
        assert served.tuned.texts < 300
        eventually(lambda: served.scheduler.running == 0)
        served.tuned.endless, served.tuned.delay = False, 0
        assert httpx2.post(url(served), json=body()).status_code == 200


@pytest.mark.parametrize("stream", [True, False])
def test_33_a_client_that_leaves_while_its_prompt_is_read_frees_the_slot(stream: bool) -> None:
    with serving() as served:
        served.tuned.reading, served.tuned.delay = 2000, 0.01  # twenty seconds
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.post(url(served), json=body(stream=stream), timeout=0.3)
        assert served.tuned.closed.wait(3), "the engine is told"
        served.tuned.reading, served.tuned.delay = 3, 0
        began = time.monotonic()
        answer = httpx2.post(url(served), json=body())
        assert answer.json()["choices"][0]["message"]["content"] == "You said: Hello"
        assert time.monotonic() - began < 5


def test_33_one_that_leaves_the_queue_is_never_asked() -> None:
    with serving() as served:
        served.tuned.gate.clear()
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.post(url(served), json=body("first"), timeout=0.3)
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.post(url(served), json=body("second"), timeout=0.3)
        eventually(lambda: served.scheduler.waiting == 0)
        served.tuned.gate.set()
        assert httpx2.post(url(served), json=body("third")).status_code == 200
        assert not any("second" in prompt for prompt in served.tuned.prompts)


def test_34_a_stopping_server_lets_a_reply_end_and_begins_no_other() -> None:
    with serving() as served:
        served.tuned.delay = 0.02
        with (
            httpx2.Client() as other,
            httpx2.stream("POST", url(served), json=body(stream=True)) as it,
        ):
            lines = it.iter_lines()
            next(lines)
            other.get(f"{served.address}/health").raise_for_status()
            served.server.handle_exit(15, None)
            refused = other.post(url(served), json=body())
            rest = [line for line in lines if line]
        assert refused.status_code == 503
        assert rest[-1] == "data: [DONE]"
        assert json.loads(rest[-2].removeprefix("data: "))["choices"][0]["finish_reason"] == "stop"


def test_34_a_reply_that_does_not_end_in_time_is_cut_in_order() -> None:
    with serving(drain=0.3) as served:
        served.tuned.endless, served.tuned.delay = True, 0.05
        with httpx2.stream("POST", url(served), json=body(stream=True, max_tokens=300)) as it:
            lines = it.iter_lines()
            next(lines)
            served.server.handle_exit(15, None)
            rest = [line for line in lines if line]
        assert rest[-1] == "data: [DONE]"
        assert json.loads(rest[-2].removeprefix("data: "))["choices"][0]["finish_reason"] == "length"
        assert served.tuned.texts < 100


def test_metrics_count_and_tell_nothing_that_was_said(served: Served) -> None:
    httpx2.post(url(served), json=body("a secret"))
    text = httpx2.get(f"{served.address}/metrics").text
    assert 'offbook_requests_total{outcome="stop"} 1.0' in text
    assert "offbook_first_token_seconds_count 1.0" in text
    assert "offbook_replies_running 0.0" in text
    assert "secret" not in text


def pieces(*texts: Any) -> Any:
    return [*(TextChunk(text, number) for number, text in enumerate(texts, 1)), TextChunk("", len(texts) + 1, "stop")]


@pytest.mark.parametrize(
    ("texts", "stops", "messages", "reason"),
    [
        (["To ", "be"], [], "To be", "stop"),
        (["a", "b", "c", "d"], ["bc"], "a", "stop"),
        (["ab", "ab", "c"], ["abc"], "ab", "stop"),
        (["abcd"], ["d", "b"], "a", "stop"),
        (["ab"], ["bc"], "ab", "stop"),
        (["你", "好。", "再见"], ["。"], "你好", "stop"),
    ],
)
def test_stop_texts(texts: list[str], stops: Any, messages: Any, reason: Any) -> None:
    got = list(stop_at_strings(iter(pieces(*texts)), stops))
    assert "".join(piece.text for piece in got) == messages
    assert got[-1].stop_reason == reason
    assert all(piece.stop_reason is None for piece in got[:-1])
