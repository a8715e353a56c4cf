"""An engine that runs a GGUF file with llama.cpp's own server, inside this process.

The server is reached over a socket in a private folder, with a random key: no port is opened. Slots, batching and the
prompt cache are its own.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import torch

from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import OffbookError
from offbook.generation.sampling_settings import GREEDY_BELOW, SamplingSettings, hash_seed
from offbook.generation.text_chunk import StopReason, TextChunk

CONTEXT = 4096
"""Tokens of prompt and reply together, where nothing else is said."""
BATCH = 512
"""Tokens of a prompt that are read at once; between two batches a reply that nobody waits for is given up."""


class RetryTransport(httpx2.HTTPTransport):
    """Sends a request once more where the server hangs up before it has answered, as llama.cpp's may under load."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """See httpx2."""
        try:
            return super().handle_request(request)
        except httpx2.RemoteProtocolError:
            return super().handle_request(request)


class LlamaServer:
    """llama.cpp's server for one GGUF file; close it when done.

    Args:
        model: the GGUF file.
        adapters: GGUF LoRAs, one of which a request may put on top (by default none is).
        slots: how many replies grow side by side.
        context: tokens of prompt and reply together, for each slot; fewer where the model knows fewer.

    Raises:
        OffbookError: llama.cpp cannot load the file.
    """

    def __init__(self, model: Path, *, adapters: Sequence[Path] = (), slots: int = 1, context: int = CONTEXT) -> None:
        import xllamacpp

        self._adapters = len(adapters)
        self._folder = Path(tempfile.mkdtemp(prefix="offbook-"))  # only this user can enter it
        key = secrets.token_urlsafe(32)
        params = xllamacpp.CommonParams()
        params.model.path = str(model)
        params.n_ctx = context * slots
        params.n_parallel = slots
        params.n_batch = BATCH
        params.cpuparams.n_threads = torch.get_num_threads()
        params.api_keys = [key]
        params.cache_ram_mib = 0  # its cache of old prompts would grow to gigabytes
        params.verbosity = -1
        params.ui = False
        params.warmup = False
        if adapters:
            params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter), 0.0) for adapter in adapters]
        transport = self._listen(params)
        try:
            self._server = xllamacpp.Server(params)
        except RuntimeError:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise OffbookError(
                "llama.cpp cannot load {model}",
                "The file is damaged, or made for another llama.cpp: remove it, and export the character again.",
                model=model,
            ) from None
        self._client = httpx2.Client(
            transport=transport,
            base_url=self._server.listening_address if os.name == "nt" else "http://llama",
            headers={"Authorization": f"Bearer {key}"},
            timeout=None,
        )
        slot = self._client.get("/props").json()["default_generation_settings"]
        self.context = min(context, slot["n_ctx"])  # llama.cpp rounds it up, and down to what the model knows
        self.complete([0], n_predict=1)  # one that is closed before its loop has begun to run never ends

    def _listen(self, params: Any) -> httpx2.HTTPTransport:
        # llama.cpp hangs up when a streamed answer is done: a connection must not be used twice.
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
        if os.name == "nt":  # Python has no such sockets there: a port on loopback, guarded by the key
            params.hostnames, params.port = ["127.0.0.1"], 0
            return RetryTransport(limits=limits)
        socket = self._folder / "llama.sock"
        params.hostnames = [str(socket)]
        return RetryTransport(uds=str(socket), limits=limits)

    def lora(self, scale: float, adapter: int = 0) -> list[dict[str, float]]:
        """The field of a request that sets one adapter's strength, all others being off.

        It is sent even where the adapter is off: otherwise a request would be given what the slot's cache holds of one
        that had it on.
        """
        return [{"id": place, "scale": scale if place == adapter else 0} for place in range(self._adapters)]

    def post(self, path: str, **body: Any) -> Any:
        """Post a JSON body; the JSON of the response."""
        response = self._client.post(path, json=body)
        _check(response)
        return response.json()

    def events(self, path: str, **body: Any) -> Iterator[Any]:
        """Post a JSON body; the JSON events of a streamed response. Closing the iterator ends the work behind it."""
        with self._client.stream("POST", path, json=body) as response:
            if response.is_error:
                response.read()
            _check(response)
            for line in response.iter_lines():
                if line.startswith("data: ") and line != "data: [DONE]":
                    yield json.loads(line.removeprefix("data: "))

    def prompt_ids(self, messages: Sequence[dict[str, str]]) -> list[int]:
        """Ids of a conversation by the GGUF's own template and tokenizer, up to where the character speaks.

        Args:
            messages: `role` and `content` of each turn.
        """
        return self.ids(self.post("/apply-template", messages=list(messages))["prompt"])

    def ids(self, text: str) -> list[int]:
        """Ids of a rendered prompt, control tokens and all."""
        ids: list[int] = self.post("/tokenize", content=text, add_special=True, parse_special=True)["tokens"]
        return ids

    def complete(self, prompt: Sequence[int], *, adapter_scale: float = 0, **settings: Any) -> Any:
        """The JSON of llama.cpp's /completion for a prompt of ids, with llama.cpp's own settings."""
        return self.post("/completion", prompt=list(prompt), lora=self.lora(adapter_scale), **settings)

    def likeliest(
        self, prompt: Sequence[int], count: int, stop_id: int, *, adapter_scale: float = 0
    ) -> list[tuple[int, float]]:
        """(id, log-probability) of the `count` likeliest tokens after `prompt`, likeliest first."""
        # Probabilities come only with a token that completes a character, so the stop token is forced;
        # they are those from before such a bias.
        response = self.complete(
            prompt,
            n_predict=1,
            n_probs=count,
            logit_bias=[[stop_id, 1000]],
            temperature=0,
            adapter_scale=adapter_scale,
        )
        return [(token["id"], token["logprob"]) for token in response["completion_probabilities"][0]["top_logprobs"]]

    def close(self) -> None:
        """Stop the server and remove its socket."""
        self._client.close()
        self._server = None
        shutil.rmtree(self._folder, ignore_errors=True)


class LlamaCppEngine:
    """Replies from a `LlamaServer`; safe to use from several threads at once.

    The text is llama.cpp's own, not decoded from ids: the ids that it streams have gaps where a character is made of
    several tokens, as Chinese ones often are.

    Args:
        adapter: the number of the adapter among the server's.
        adapter_scale: its strength; −1 on a merged model takes the adapter out again.
    """

    def __init__(self, server: LlamaServer, *, adapter: int = 0, adapter_scale: float = 0) -> None:
        self.server = server
        self.adapter = adapter
        self.adapter_scale = adapter_scale

    def generate(self, prompt: Sequence[int], settings: GenerationConfig, seed: int | None) -> Iterator[TextChunk]:
        """Yield a reply chunk by chunk; see `offbook.generation.stream.stream`."""
        events = self.server.events(
            "/completion",
            prompt=list(prompt),
            stream=True,
            return_progress=True,
            n_predict=settings.max_new_tokens,
            lora=self.server.lora(self.adapter_scale, self.adapter),
            seed=-1 if seed is None else hash_seed(seed),
            **self._sampling(prompt, SamplingSettings.of(settings)),
        )
        for event in events:
            if "prompt_progress" in event:
                yield TextChunk("", 0)
            elif event["stop"]:
                reason: StopReason = "stop" if event["stop_type"] == "eos" else "length"
                yield TextChunk(event["content"], event["tokens_predicted"], reason)
            elif event["content"]:
                yield TextChunk(event["content"], event["tokens_predicted"])

    def _sampling(self, prompt: Sequence[int], sampling: SamplingSettings) -> dict[str, Any]:
        """The settings as llama.cpp's, in the order in which transformers applies them; all its other samplers off."""
        temperature = sampling.temperature if sampling.temperature >= GREEDY_BELOW else 0
        # These sort the vocabulary, which a greedy reply has no use for.
        truncation = [name for name in ("top_k", "top_p", "min_p") if name == "top_p" or getattr(sampling, name)]
        settings: dict[str, Any] = {
            "samplers": ["penalties", "temperature", *(truncation if temperature else [])],
            "temperature": temperature,
            "top_k": sampling.top_k,
            "top_p": sampling.top_p,
            "min_p": sampling.min_p,
            "repeat_penalty": sampling.repetition_penalty,
            "repeat_last_n": self.server.context,
        }
        if sampling.presence_penalty or sampling.frequency_penalty:
            settings |= {
                "presence_penalty": sampling.presence_penalty,
                "frequency_penalty": sampling.frequency_penalty,
                "logit_bias": _prompt_bias(prompt, sampling),
            }
        return settings


def _prompt_bias(prompt: Sequence[int], sampling: SamplingSettings) -> list[list[float]]:
    """What makes up for llama.cpp's counting of the prompt's tokens in presence and frequency penalties.

    It is added before the repetition penalty, which divides it again. A token of the prompt that the reply holds too is
    spared the presence penalty.
    """
    return [
        [token, sampling.repetition_penalty * (count * sampling.frequency_penalty + sampling.presence_penalty)]
        for token, count in Counter(prompt).items()
    ]


def _check(response: httpx2.Response) -> None:
    if response.is_error:
        reason = response.json()["error"]["message"]
        raise OffbookError("llama.cpp refused a request: {reason}", reason=reason)
