"""OpenAI's API over a character, and the chat page."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool

from offbook.generation.sampling import SamplingSettings
from offbook.generation.stream import StopReason, TextChunk
from offbook.server import schema
from offbook.server.backends import ServedModel
from offbook.server.conversation import ContextOverflowError, Prompt, SystemPolicy
from offbook.server.errors import HANDLERS, context_exceeded, not_found
from offbook.server.prometheus import Metrics
from offbook.server.responses import CompletionResponse, Kind, error, event
from offbook.server.scheduler import DrainingError, QueueFullError, RequestScheduler, stop_at_strings

BASE = ":base"
"""Ends the name under which the base model answers."""

PAGE = Path(__file__).parent / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

T = TypeVar("T")


def create_app(model: ServedModel, scheduler: RequestScheduler, *, system: SystemPolicy = "append") -> FastAPI:
    """The application, unguarded (see `offbook.server.middleware`).

    Args:
        model: the character, and its base model.
        scheduler: where requests queue for it.
        system: what a client's system prompt does.
    """
    app = FastAPI(title="offbook", docs_url=None, redoc_url=None, exception_handlers=HANDLERS)
    metrics = Metrics(scheduler)
    server = _Server(model, scheduler, metrics)
    began = int(time.time())

    def entry(name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": began, "owned_by": "offbook"}

    names = (model.name, model.name + BASE)

    @app.get("/health")
    async def health() -> JSONResponse:
        """Whether replies are begun."""
        if scheduler.draining:
            return JSONResponse({"status": "draining"}, 503)
        return JSONResponse({"status": "ok"})

    @app.get("/metrics")
    async def counters() -> Response:
        """Counters for Prometheus."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        """The character and its base model."""
        return {"object": "list", "data": [entry(name) for name in names]}

    @app.get("/v1/models/{name:path}")
    async def retrieve(name: str) -> dict[str, Any]:
        """One of them."""
        if name not in names:
            raise not_found(f"The model '{name}' does not exist; there are {' and '.join(names)}.", "model_not_found")
        return entry(name)

    @app.get("/v1/character")
    async def character() -> dict[str, Any]:
        """Who speaks here and how: what the chat page shows."""
        persona = model.persona
        return {
            "name": persona.name,
            "greeting": persona.greeting,
            "generation": persona.generation.model_dump(),
            "model": model.name,
            "base": model.name + BASE,
            "engine": model.engine,
            "context": model.context,
        }

    @app.post("/v1/chat/completions")
    async def chat(request: Request, body: schema.ChatRequest) -> Response:
        """The character's next turn."""
        sampling = body.sampling(model.persona.generation)
        # Some room has to be left for the reply: what it may be at most, or a quarter of the context.
        room = model.context - min(sampling.max_new_tokens, max(model.context // 4, 1))
        try:
            prompt = await run_in_threadpool(
                model.chat_prompt, body.turns, system, room if body.truncation == "auto" else None
            )
        except ContextOverflowError as overflow:
            raise context_exceeded(model.context, overflow.tokens, "messages") from None
        return await server.respond(request, body, prompt, "chat")

    @app.post("/v1/completions")
    async def completions(request: Request, body: schema.CompletionRequest) -> Response:
        """Plain text, continued."""
        prompt = Prompt(await run_in_threadpool(model.text_ids, body.text))
        return await server.respond(request, body, prompt, "text")

    _add_page(app)
    return app


class _Server:
    """Turns prompts into responses, streamed or whole."""

    def __init__(self, model: ServedModel, scheduler: RequestScheduler, metrics: Metrics) -> None:
        self.model = model
        self.scheduler = scheduler
        self.metrics = metrics

    async def respond(
        self, request: Request, body: schema.CompletionRequestBase, prompt: Prompt, kind: Kind
    ) -> Response:
        sampling = self._fitting(body, prompt.ids)
        base = body.model == self.model.name + BASE
        response = CompletionResponse(
            kind, self.model.name + BASE * base, len(prompt.ids), dropped_messages=prompt.dropped_messages
        )

        def choice(index: int) -> AsyncIterator[TextChunk]:
            seed = None if body.seed is None else body.seed + index

            def generate() -> Iterator[TextChunk]:
                backend = self.model.base if base else self.model.tuned
                return stop_at_strings(backend(prompt.ids, sampling, seed), body.stop_strings)

            return self._counted(self.scheduler.stream(generate), len(prompt.ids))

        choices = [choice(index) for index in range(body.n)]
        try:
            first = await _unless_gone(request, anext(choices[0]))
        except (QueueFullError, DrainingError) as refusal:
            self.metrics.requests.labels("refused").inc()
            raise _unavailable(refusal) from None
        if body.stream:
            events = _events(response, first, choices, with_usage=body.stream_options.include_usage)
            return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})
        replies, tokens = await _unless_gone(request, _collect(first, choices))
        return JSONResponse(response.full(replies, tokens))

    def _fitting(self, body: schema.CompletionRequestBase, prompt: list[int]) -> SamplingSettings:
        """Sampling under which prompt and reply fit the context: a longer reply than there is room for is clamped.

        Raises:
            HTTPException: 400 where there is no room for a reply at all.
        """
        room = self.model.context - len(prompt)
        if not prompt:
            raise HTTPException(400, "the prompt is empty")
        if room < 1:
            param = "messages" if isinstance(body, schema.ChatRequest) else "prompt"
            raise context_exceeded(self.model.context, len(prompt), param)
        sampling = body.sampling(self.model.persona.generation)
        return sampling.model_copy(update={"max_new_tokens": min(sampling.max_new_tokens, room)})

    async def _counted(self, chunks: AsyncIterator[TextChunk], prompt_tokens: int) -> AsyncIterator[TextChunk]:
        """The chunks of a reply, counted in the metrics."""
        began, tokens, outcome = time.monotonic(), 0, "gone"
        try:
            async for chunk in chunks:
                if chunk.tokens and not tokens:
                    self.metrics.prompt_tokens.inc(prompt_tokens)
                    self.metrics.first_token.observe(time.monotonic() - began)
                tokens, outcome = chunk.tokens, chunk.stop_reason or "gone"
                yield chunk
        except (QueueFullError, DrainingError):
            raise
        except Exception:
            outcome = "failed"
            raise
        finally:
            self.metrics.reply_tokens.inc(tokens)
            if tokens:
                self.metrics.requests.labels(outcome).inc()
            await chunks.aclose()  # type: ignore[attr-defined]


async def _collect(
    first: TextChunk, choices: list[AsyncIterator[TextChunk]]
) -> tuple[list[tuple[str, StopReason]], int]:
    """(text, stop reason) of every choice, and the tokens of all; `first` is the first chunk of the first choice."""
    replies: list[tuple[str, StopReason]] = []
    tokens = 0
    for number, chunks in enumerate(choices):
        last = first if number == 0 else TextChunk("", 0)
        text = last.text
        async for last in chunks:
            text += last.text
        replies.append((text, last.stop_reason or "length"))
        tokens += last.tokens
    return replies, tokens


async def _events(
    response: CompletionResponse, first: TextChunk, choices: list[AsyncIterator[TextChunk]], *, with_usage: bool
) -> AsyncIterator[bytes]:
    """The events of a streamed response, one choice after the other; a failure on the way is an event too."""
    tokens = 0
    try:
        for index, chunks in enumerate(choices):
            if response.kind == "chat":
                yield response.first_chunk(index)
            last = first if index == 0 else TextChunk("", 0)
            if last.text or last.stop_reason:
                yield response.chunk(index, last.text, last.stop_reason)
            async for last in chunks:
                if last.text or last.stop_reason:
                    yield response.chunk(index, last.text, last.stop_reason)
            tokens += last.tokens
    except Exception:
        yield event(error("the model failed", "model_failed", 500))
        return
    finally:
        for chunks in choices:
            await chunks.aclose()  # type: ignore[attr-defined]
    yield response.last_chunk(tokens, with_usage=with_usage)


async def _unless_gone(request: Request, work: Awaitable[T]) -> T:
    """The result of `work`, which is given up when the client goes away."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise HTTPException(499, "the client has gone")
        return working.result()
    finally:
        leaving.cancel()
        working.cancel()
        await asyncio.wait({working, leaving})


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _unavailable(refusal: QueueFullError | DrainingError) -> HTTPException:
    if isinstance(refusal, QueueFullError):
        return HTTPException(429, "too many requests are waiting", {"Retry-After": "5"})
    return HTTPException(503, "the server is stopping", {"Retry-After": "5"})


def _add_page(app: FastAPI) -> None:
    """The chat page: a few files that ship with offbook, and nothing from anywhere else."""
    app.mount("/page", StaticFiles(directory=PAGE))

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
        return FileResponse(PAGE / "index.html", headers=headers)
