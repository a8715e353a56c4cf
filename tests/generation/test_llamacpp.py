"""llama.cpp as an engine: the same ids as transformers, its own slots, and no port."""

from __future__ import annotations

import socket
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
import torch

from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import OffbookError
from offbook.core.persona import BaseModelRef, Persona
from offbook.exporters.gguf_model import write_model
from offbook.exporters.source import ExportSource
from offbook.generation import llamacpp
from offbook.generation.llamacpp import LlamaCppEngine, LlamaServer, RetryTransport
from offbook.generation.sampling_settings import SamplingSettings
from offbook.generation.stream import TransformersEngine, stream
from offbook.models.merging import merge
from offbook.tokenization.chat_template import ChatTemplate
from tests.tiny import chatml_tokenizer, tiny_model

GREEDY = GenerationConfig(temperature=0, repetition_penalty=1.0, max_new_tokens=24)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[Any]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny_model("llama")


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return chatml_tokenizer()


@pytest.fixture(scope="module")
def gguf(model: Any, tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    stop_token = ChatTemplate(tokenizer).stop_token
    persona = Persona(name="x", stop_token=stop_token, generation=GREEDY, base=BaseModelRef(source="tiny", revision=""))
    write_model(
        path, ExportSource(model, tokenizer, persona, path.parent, [stop_token.id], "tiny", merge), model, "f16"
    )
    return path


@pytest.fixture(scope="module")
def server(gguf: Any) -> Iterator[Any]:
    it = LlamaServer(gguf, slots=4, context=256)
    yield it
    it.close()


def test_the_context_is_what_the_model_knows(server: Any, gguf: Any, model: Any) -> None:
    assert server.context == 256
    wide = LlamaServer(gguf, slots=2)
    assert wide.context == model.config.max_position_embeddings == 512
    wide.close()


@pytest.fixture
def engine(server: Any) -> Any:
    return LlamaCppEngine(server)


PROMPTS = [[1, 9, 30, 77, 5], [1, 9, 30, 78], [4, 40, 41, 42, 43, 44, 45], [1, 200]]


def texts(engine: Any, prompt: Any, settings: Any = GREEDY, seed: int | None = None) -> Any:
    return "".join(piece.text for piece in engine.generate(prompt, settings, seed))


def reference(model: Any, tokenizer: Any, prompt: Any, settings: Any = GREEDY) -> Any:
    stop_token = ChatTemplate(tokenizer).stop_token.id
    return list(stream(TransformersEngine(model), tokenizer, prompt, settings, [stop_token]))


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_greedy_reply_is_that_of_transformers(engine: Any, model: Any, tokenizer: Any, prompt: Any) -> None:
    theirs = reference(model, tokenizer, prompt)
    ours = list(engine.generate(prompt, GREEDY, None))
    assert "".join(piece.text for piece in ours) == "".join(piece.text for piece in theirs).rstrip("\ufffd")
    assert (ours[-1].stop_reason, ours[-1].tokens) == (theirs[-1].stop_reason, theirs[-1].tokens)
    assert all(piece.stop_reason is None for piece in ours[:-1])
    assert [piece.tokens for piece in ours] == sorted(piece.tokens for piece in ours)


def test_the_repetition_penalty_is_that_of_transformers(engine: Any, model: Any, tokenizer: Any) -> None:
    settings = GREEDY.model_copy(update={"repetition_penalty": 1.5})
    theirs = "".join(piece.text for piece in reference(model, tokenizer, PROMPTS[0], settings))
    assert texts(engine, PROMPTS[0], settings) == theirs.rstrip("\ufffd")
    assert texts(engine, PROMPTS[0], settings) != texts(engine, PROMPTS[0])


def test_sampling_follows_the_seed_and_the_nucleus(server: Any, engine: Any, model: Any) -> None:
    settings = GenerationConfig(temperature=1.0, top_p=0.5, repetition_penalty=1.0, max_new_tokens=1)
    probabilities = model(torch.tensor([PROMPTS[0]])).logits[0, -1].softmax(-1)
    order = probabilities.argsort(descending=True)
    before = probabilities[order].cumsum(0) - probabilities[order]
    nucleus = set(order[before < 0.5].tolist())

    def drawn(seed: int | None) -> Any:
        messages = server.complete(
            PROMPTS[0],
            n_predict=1,
            return_tokens=True,
            seed=seed,
            **engine._sampling([], SamplingSettings.of(settings)),
        )
        return messages["tokens"][0]

    first = [drawn(seed) for seed in range(40)]
    assert set(first) <= nucleus
    assert len(set(first)) > 3
    assert first == [drawn(seed) for seed in range(40)]


@pytest.mark.parametrize("penalties", [{"frequency_penalty": 1.5}, {"frequency_penalty": 0.7, "presence_penalty": 0.4}])
def test_penalties_on_the_reply_are_those_of_transformers(
    engine: Any, model: Any, tokenizer: Any, penalties: Any
) -> None:
    prompt = [*PROMPTS[0], *[77, 5] * 20]  # tokens that the penalties must not count
    settings = SamplingSettings(**GREEDY.model_dump(), **penalties)
    theirs = "".join(chunk.text for chunk in reference(model, tokenizer, prompt, settings))
    assert texts(engine, prompt, settings).rstrip("\ufffd") == theirs.rstrip("\ufffd")
    assert texts(engine, prompt, settings) != texts(engine, prompt)


def test_top_k_of_one_is_greedy_and_tiny_temperatures_are_zero(engine: Any) -> None:
    lively = {**GREEDY.model_dump(), "temperature": 1.5, "top_p": 1.0}
    greedy = texts(engine, PROMPTS[0])
    assert texts(engine, PROMPTS[0], SamplingSettings(**{**lively, "top_k": 1}), seed=3) == greedy
    assert texts(engine, PROMPTS[0], SamplingSettings(**{**lively, "min_p": 1.0}), seed=3) == greedy
    assert texts(engine, PROMPTS[0], SamplingSettings(**{**lively, "temperature": 1e-40}), seed=3) == greedy
    assert texts(engine, PROMPTS[0], SamplingSettings(**lively), seed=3) != greedy


@pytest.mark.parametrize("seed", [-1, 2**32 - 1])
def test_every_seed_gives_the_same_reply_again(engine: Any, seed: int) -> None:
    """llama.cpp takes the largest number of 32 bits for no seed at all."""
    settings = GenerationConfig(temperature=1.5, top_p=1.0, max_new_tokens=16)
    assert len({texts(engine, PROMPTS[0], settings, seed) for _ in range(3)}) == 1
    assert texts(engine, PROMPTS[0], settings, seed) != texts(engine, PROMPTS[0], settings, seed + 2**32)


def test_a_long_prompt_is_read_in_pieces_and_given_up_between_two(
    tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llamacpp, "BATCH", 64)
    model = tiny_model("llama", max_position_embeddings=2048)
    stop_token = ChatTemplate(tokenizer).stop_token
    persona = Persona(name="x", stop_token=stop_token, generation=GREEDY, base=BaseModelRef(source="t", revision=""))
    write_model(
        tmp_path / "x.gguf",
        ExportSource(model, tokenizer, persona, tmp_path, [stop_token.id], "x", merge),
        model,
        "f16",
    )
    server = LlamaServer(tmp_path / "x.gguf", context=2048)
    try:
        engine = LlamaCppEngine(server)
        chunks = list(engine.generate([10, 11, 12, 13] * 200, GREEDY, None))
        assert sum(chunk.tokens == 0 and not chunk.stop_reason for chunk in chunks) >= 10
        assert chunks[-1].stop_reason is not None
        given_up = engine.generate([14, 15, 16] * 500, GREEDY, None)
        assert next(given_up).tokens == 0
        given_up.close()  # type: ignore[attr-defined]
        assert texts(engine, PROMPTS[0])
    finally:
        server.close()


def test_replies_that_grow_side_by_side_are_their_own(engine: Any) -> None:
    alone = [texts(engine, prompt) for prompt in PROMPTS]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda prompt: texts(engine, prompt), PROMPTS * 6))
    assert together == alone * 6


def test_a_server_that_hangs_up_is_asked_once_more(tmp_path: Path) -> None:
    """The first connection is closed unanswered; the second request is the same, and is answered."""
    prompts = []

    def answer(listening: Any) -> None:
        for reply in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"):
            connection, _ = listening.accept()
            heard = b""
            while not heard.endswith(b'{"prompt":[1]}'):  # head and body come apart
                heard += connection.recv(4096)
            prompts.append(heard)
            connection.sendall(reply)
            connection.close()

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        listening.listen()
        thread = threading.Thread(target=answer, args=(listening,))
        thread.start()
        with httpx2.Client(transport=RetryTransport(uds=str(tmp_path / "s")), base_url="http://llama") as client:
            assert client.post("/completion", json={"prompt": [1]}).text == "ok"
        thread.join()
    assert len(prompts) == 2
    assert prompts[0] == prompts[1]


def test_closing_the_iterator_frees_its_slot(engine: Any) -> None:
    settings = GREEDY.model_copy(update={"max_new_tokens": 240})
    for _ in range(12):
        pieces = engine.generate([3, 4], settings, None)
        next(pieces)
        pieces.close()
    assert texts(engine, PROMPTS[0])


def test_the_ending_token_ends_a_reply(server: Any, tokenizer: Any) -> None:
    stop_token = ChatTemplate(tokenizer).stop_token.id
    messages = server.complete([3, 4], n_predict=8, logit_bias=[[stop_token, 1000]], temperature=0)
    assert (messages["stop_type"], messages["tokens_predicted"], messages["content"]) == ("eos", 1, "")


def test_it_opens_no_port_and_lets_nobody_else_in(server: Any) -> None:
    assert [c for c in psutil.Process().net_connections("inet") if c.status == "LISTEN"] == []
    assert stat.S_IMODE(server._folder.stat().st_mode) == 0o700
    refused = server._client.post("/completion", json={"prompt": "x"}, headers={"Authorization": "Bearer wrong"})
    assert refused.status_code == 401


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(OffbookError, match="cannot load"):
        LlamaServer(path)


def test_what_llamacpp_refuses_is_an_error_in_plain_words(engine: Any) -> None:
    with pytest.raises(OffbookError, match="refused a request"):
        next(engine.generate(list(range(300)), GREEDY, None))
