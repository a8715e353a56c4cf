"""Requests as the well-known clients send them, written down from their public sources, and what they look for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.server.conftest import Served

CLIENTS = sorted((Path(__file__).parent / "clients").glob("*.json"))


def answer(served: Served, recorded: dict[str, Any]) -> tuple[list[str], dict[str, int] | None]:
    """The texts of all choices and the usage, from a response in either form."""
    response = httpx2.post(f"{served.address}{recorded['path']}", json=recorded["body"], timeout=30)
    assert response.status_code == 200, response.text
    if not recorded["body"].get("stream"):
        body = response.json()
        texts = [choice["text"] if "text" in choice else choice["message"]["content"] for choice in body["choices"]]
        return texts, body["usage"]
    lines = [line for line in response.text.splitlines() if line]
    assert lines[-1] == "data: [DONE]"
    pieces: dict[int, str] = {}
    usage = None
    for line in lines[:-1]:
        event = json.loads(line.removeprefix("data: "))
        usage = event.get("usage")
        for choice in event["choices"]:
            content = choice["text"] if "text" in choice else choice["delta"].get("content", "")
            pieces[choice["index"]] = pieces.get(choice["index"], "") + content
    return [pieces[index] for index in sorted(pieces)], usage


def refuse(served: Served, recorded: dict[str, Any]) -> None:
    """What cannot be done is a 400 with the words that the client looks for; the next request is answered."""
    response = httpx2.post(f"{served.address}{recorded['path']}", json=recorded["body"], timeout=30)
    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (400, "invalid_request_error")
    assert error["param"] == recorded["expect"]["param"]
    assert recorded["expect"]["refused"] in error["message"]
    assert not served.tuned.prompts
    hello = {"model": "hamlet", "messages": [{"role": "user", "content": "Hello"}]}
    assert httpx2.post(f"{served.address}/v1/chat/completions", json=hello, timeout=30).status_code == 200


@pytest.mark.parametrize("path", CLIENTS, ids=lambda path: path.stem)
def test_a_client_is_answered_as_it_expects(served: Served, path: Path) -> None:
    recorded = json.loads(path.read_text(encoding="utf-8"))
    expect = recorded["expect"]
    if "refused" in expect:
        refuse(served, recorded)
        return
    texts, usage = answer(served, recorded)
    assert len(texts) == expect.get("choices", 1)
    if expect.get("starts"):
        assert all(text.startswith(expect["text"]) for text in texts)
    else:
        assert texts == [expect["text"]] * len(texts)
    prompt = served.tuned.prompts[0]
    assert all(part in prompt for part in expect.get("in_prompt", []))
    if "once" in expect:
        assert prompt.count(expect["once"]) == 1
    if expect.get("usage"):
        assert usage is not None
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_the_clients_are_there() -> None:
    names = " ".join(path.stem for path in CLIENTS)
    programs = "sillytavern open_webui risuai continue astrbot librechat lobechat cherry_studio chatbox nextchat dify"
    for client in (*programs.split(), "langchain", "litellm", "openai_python"):
        assert client in names
