"""Replies from Ollama, by its own API (https://docs.ollama.com/api/generate).

Its copy of OpenAI's API puts every prompt into the model's template, so `raw` prompts of /api/generate are used: text
that goes to the model as it is. Sampling that a Modelfile sets is overridden by every request.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2

from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import OffbookError
from offbook.generation.sampling_settings import SamplingSettings, hash_seed
from offbook.generation.text_chunk import TextChunk
from offbook.generation.upstream import (
    CONNECT_SECONDS,
    FALLBACK_CONTEXT,
    ModelPrompt,
    PromptRefusedError,
    UpstreamServer,
)

LATEST = ":latest"
"""The tag that a model has whose name was given without one."""


def is_ollama(address: str, key: str | None) -> bool:
    """Whether Ollama answers at an address."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    root = address.rstrip("/").removesuffix("/v1")
    try:
        response = httpx2.get(f"{root}/api/version", headers=headers, timeout=CONNECT_SECONDS)
        return response.is_success and "version" in response.json()
    except (httpx2.HTTPError, ValueError):
        return False


class OllamaServer(UpstreamServer):
    """An Ollama that runs the models; arguments and errors as for `UpstreamServer`."""

    takes_ids = False

    def model_for(self, name: str) -> str:
        """See `UpstreamServer.model_for`; a name without a tag is the latest of its name."""
        return f"{name}{LATEST}" if f"{name}{LATEST}" in self.models else super().model_for(name)

    def context_of(self, model: str) -> int:
        """Tokens of prompt and reply together: what its Modelfile says, else Ollama's usual, at most the model's."""
        response = self._client.post(f"{self.address}/api/show", json={"model": model})
        details: dict[str, Any] = response.json() if response.is_success else {}
        lines = [line.split(maxsplit=1) for line in str(details.get("parameters") or "").splitlines()]
        chosen = next((words[1] for words in lines if len(words) == 2 and words[0] == "num_ctx"), "")
        lengths = [
            length
            for name, length in (details.get("model_info") or {}).items()
            if name.endswith(".context_length") and isinstance(length, int) and length > 0
        ]
        return min([int(chosen) if chosen.isdecimal() else FALLBACK_CONTEXT, *lengths])

    def count_tokens(self, model: str, prompt: ModelPrompt) -> int | None:
        """See `UpstreamServer.count_tokens`."""
        *_, last = self._events(model, prompt, {"num_predict": 1})
        count = last.get("prompt_eval_count")
        return count if isinstance(count, int) else None

    def generate(
        self, model: str, prompt: ModelPrompt, settings: GenerationConfig, seed: int | None, stop: Mapping[int, str]
    ) -> Iterator[TextChunk]:
        """See `UpstreamServer.generate`."""
        options = _options(SamplingSettings.of(settings)) | {
            "num_predict": settings.max_new_tokens,
            "stop": list(stop.values()),
            **({} if seed is None else {"seed": hash_seed(seed)}),
        }
        tokens = 0
        reason = None
        for event in self._events(model, prompt, options):
            if event.get("response"):
                tokens += 1
                yield TextChunk(event["response"], tokens)
            tokens = event.get("eval_count") or tokens
            reason = event.get("done_reason") or reason
        yield TextChunk("", max(tokens, 1), "length" if reason == "length" else "stop")

    def _events(self, model: str, prompt: ModelPrompt, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The lines of a reply, each a JSON object; the last one has the counts.

        Raises:
            PromptRefusedError: the prompt is not text.
            OffbookError: Ollama refused the request, failed, or broke off.
        """
        if not isinstance(prompt, str):
            raise PromptRefusedError("{address} takes prompts as text alone", address=self.address)
        body = {"model": model, "prompt": prompt, "raw": True, "stream": True}
        context = self.context_of(model)
        body["options"] = {"num_ctx": context, "repeat_last_n": context, **options}
        try:
            with self._client.stream("POST", f"{self.address}/api/generate", json=body) as response:
                self._require_success(response)
                for line in response.iter_lines():
                    event = json.loads(line)
                    if "error" in event:
                        problem = event["error"]
                        raise OffbookError("the model server failed: {error}", error=problem)
                    yield event
        except httpx2.HTTPError as error:
            raise OffbookError("{address} broke off: {error}", address=self.address, error=error) from None


def _options(sampling: SamplingSettings) -> dict[str, Any]:
    """The settings in Ollama's names; what is off is said, because a Modelfile may have turned it on."""
    return {
        "temperature": sampling.temperature,
        "top_k": sampling.top_k or 0,
        "top_p": sampling.top_p or 1.0,
        "min_p": sampling.min_p or 0.0,
        "repeat_penalty": sampling.repetition_penalty,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
    }
