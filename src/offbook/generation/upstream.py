"""Replies from another server that speaks OpenAI's API: vLLM, SGLang, llama.cpp's server, LM Studio.

The prompt is made here and sent as ids, or as text to a server that takes no ids, so its template, system prompt and
default sampling play no part; what it lacks of the sampling settings it ignores.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx2

from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import OffbookError, UsageError
from offbook.generation.sampling_settings import SamplingSettings, hash_seed
from offbook.generation.text_chunk import StopReason, TextChunk

CONNECT_SECONDS = 10.0
FALLBACK_CONTEXT = 4096
"""Tokens of prompt and reply together, where the server does not say."""


ModelPrompt = Sequence[int] | str
"""Token ids, or the text that becomes them in the server's tokenizer, control tokens included."""


class PromptRefusedError(OffbookError):
    """The server does not take a prompt of this form."""


class UpstreamServer:
    """A server that runs the models.

    Args:
        address: its URL, with or without /v1.
        key: its API key, if it wants one.

    Raises:
        UsageError: nothing answers there as OpenAI's API does.
    """

    takes_ids = True
    """Whether a prompt may be sent as ids at all; which form a model takes, `count_tokens` finds out."""

    def __init__(self, address: str, key: str | None = None) -> None:
        self.address = address.rstrip("/").removesuffix("/v1")
        self._client = httpx2.Client(
            base_url=f"{self.address}/v1/",
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS),
        )
        self.models: dict[str, dict[str, Any]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Ask anew which models there are."""
        try:
            response = self._client.get("models", timeout=CONNECT_SECONDS)
            response.raise_for_status()
            self.models = {str(entry["id"]): dict(entry) for entry in response.json()["data"]}
        except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
            raise UsageError(
                "no model server answers at {address}: {error}",
                "Start it first, and name it with --upstream http://HOST:PORT (its key: OFFBOOK_UPSTREAM_KEY).",
                address=self.address,
                error=str(error).partition("\n")[0],
            ) from None

    def model_for(self, name: str) -> str:
        """The server's name for a character: its own, or that of the only model there.

        Raises:
            UsageError: there are several, none of that name.
        """
        if name in self.models:
            return name
        if len(self.models) == 1:
            return next(iter(self.models))
        raise UsageError(
            "the server at {address} has no model '{name}'; it has {models}",
            "Load the character's adapter there under that name (vLLM: --lora-modules NAME=FOLDER).",
            address=self.address,
            name=name,
            models=", ".join(self.models),
        )

    def parent_of(self, model: str) -> str | None:
        """The base model of an adapter, where the server tells it."""
        parent = self.models[model].get("parent")
        return parent if isinstance(parent, str) else None

    def context_of(self, model: str) -> int:
        """Tokens of prompt and reply together."""
        entry, parent = self.models[model], self.models.get(self.parent_of(model) or "", {})
        meta = entry.get("meta") or {}
        reported = (entry.get("max_model_len"), parent.get("max_model_len"), meta.get("n_ctx"), meta.get("n_ctx_train"))
        return next((length for length in reported if isinstance(length, int) and length > 0), FALLBACK_CONTEXT)

    def count_tokens(self, model: str, prompt: ModelPrompt) -> int | None:
        """How many tokens the server reads in a prompt; None where it does not say.

        Raises:
            PromptRefusedError: the server does not take prompts of this form.
            OffbookError: it broke off.
        """
        body = {"model": model, "prompt": prompt if isinstance(prompt, str) else list(prompt), "max_tokens": 1}
        try:
            response = self._client.post("completions", json=body)
        except httpx2.HTTPError as error:
            raise OffbookError("{address} broke off: {error}", address=self.address, error=error) from None
        if response.is_error:
            raise PromptRefusedError(
                "{address} refused a request: {text}", address=self.address, text=response.text[:500]
            )
        count = (response.json().get("usage") or {}).get("prompt_tokens")
        return count if isinstance(count, int) else None

    def generate(
        self,
        model: str,
        prompt: ModelPrompt,
        settings: GenerationConfig,
        seed: int | None,
        stop: Mapping[int, str],
    ) -> Iterator[TextChunk]:
        """Yield a reply chunk by chunk; closing the iterator ends the work behind it.

        Args:
            model: the server's name for the model.
            prompt: in the form that the model takes.
            settings: sampling, and the longest reply.
            seed: the same seed gives the same reply, as far as the server keeps to that.
            stop: tokens that end a reply, by id, each with its text.

        Raises:
            OffbookError: the server refused the request, or broke off.
        """
        as_text = isinstance(prompt, str)
        body = {
            "model": model,
            "prompt": prompt if as_text else list(prompt),
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": settings.max_new_tokens,
            "repeat_last_n": len(prompt) + settings.max_new_tokens,
            **({"stop": list(stop.values())} if as_text else {"stop_token_ids": list(stop)}),
            **_sampling(SamplingSettings.of(settings)),
            **({} if seed is None else {"seed": hash_seed(seed)}),
        }
        tokens, reason = 0, None
        try:
            with self._client.stream("POST", "completions", json=body) as response:
                self._require_success(response)
                for event in _events(response):
                    for choice in event.get("choices") or ():
                        reason = choice.get("finish_reason") or reason
                        if choice.get("text"):
                            tokens += 1
                            yield TextChunk(choice["text"], tokens)
                    tokens = (event.get("usage") or {}).get("completion_tokens", tokens)
        except httpx2.HTTPError as error:
            raise OffbookError("{address} broke off: {error}", address=self.address, error=error) from None
        stopped: StopReason = "length" if reason == "length" else "stop"
        yield TextChunk("", max(tokens, 1), stopped)

    def _require_success(self, response: httpx2.Response) -> None:
        if response.is_error:
            response.read()
            raise OffbookError("{address} refused a request: {text}", address=self.address, text=response.text[:500])

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _events(response: httpx2.Response) -> Iterator[dict[str, Any]]:
    """The JSON events of a stream.

    Raises:
        OffbookError: one of them is an error.
    """
    for line in response.iter_lines():
        if line.startswith("data: ") and line != "data: [DONE]":
            event: dict[str, Any] = json.loads(line.removeprefix("data: "))
            if "error" in event:
                problem = event["error"]
                raise OffbookError("the model server failed: {error}", error=problem)
            yield event


def _sampling(sampling: SamplingSettings) -> dict[str, Any]:
    """The settings in the names of vLLM and SGLang, and in llama.cpp's; each server ignores the others'."""
    # "All tokens" is 0 for one server and −1 for another, so a setting that does nothing is left out.
    truncation = {name: getattr(sampling, name) for name in ("top_k", "top_p", "min_p") if getattr(sampling, name)}
    return {
        "temperature": sampling.temperature,
        **truncation,
        "repetition_penalty": sampling.repetition_penalty,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "repeat_penalty": sampling.repetition_penalty,
        "samplers": ["penalties", "temperature", *truncation],
    }
