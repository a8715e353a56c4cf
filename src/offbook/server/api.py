"""OpenAI's API over one character, and the chat page."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException as StarletteHTTPException

from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import UsageError
from offbook.generation.stream import TextChunk
from offbook.server import schema
from offbook.server.backends import ServedModel
from offbook.server.prometheus import Metrics
from offbook.server.responses import CompletionResponse, Kind, error, event
from offbook.server.scheduler import Busy, Draining, RequestScheduler, stop_at_strings

BASE = ":base"
"""Ends the name by which the base model is asked."""

PAGE = Path(__file__).parent / "page"
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:"

T = TypeVar("T")


def create_app(voices: ServedModel, desk: RequestScheduler, *, force_system_prompt: bool = False) -> FastAPI:
    """The application, unguarded (see `offbook.server.middleware`).

    Args:
        force_system_prompt: use the character's own prompt even where a client sends another.
    """
    app = FastAPI(title="offbook", docs_url=None, redoc_url=None, exception_handlers=_HANDLERS)  # type: ignore[arg-type]
    metrics = Metrics(desk)
    server = _Server(voices, desk, metrics)
    began = int(time.time())

    @app.get("/health")
    async def health() -> JSONResponse:
        """Whether replies are begun."""
        if desk.draining:
            return JSONResponse({"status": "draining"}, 503)
        return JSONResponse({"status": "ok"})

    @app.get("/metrics")
    async def measured() -> Response:
        """Counters for Prometheus."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        """The character and its base model."""
        entries = [
            {"id": name, "object": "model", "created": began, "owned_by": "offbook"}
            for name in (voices.name, voices.name + BASE)
        ]
        return {"object": "list", "data": entries}

    @app.get("/v1/character")
    async def character() -> dict[str, Any]:
        """Who speaks here and how: what the chat page shows."""
        persona = voices.persona
        return {
            "name": persona.name,
            "greeting": persona.greeting,
            "generation": persona.generation.model_dump(),
            "model": voices.name,
            "base": voices.name + BASE,
            "engine": voices.engine,
            "context": voices.context,
        }

    @app.post("/v1/chat/completions")
    async def chat(request: Request, asked: schema.ChatRequest) -> Response:
        """The character's next turn."""
        prompt = await run_in_threadpool(voices.prompt_ids, asked.turns, force_system_prompt=force_system_prompt)
        return await server.answer(request, asked, prompt, "chat")

    @app.post("/v1/completions")
    async def completions(request: Request, asked: schema.CompletionRequest) -> Response:
        """Plain text, continued."""
        prompt = await run_in_threadpool(voices.text_ids, asked.text)
        return await server.answer(request, asked, prompt, "text")

    _add_page(app)
    return app


class _Server:
    """Turns prompts into answers, streamed or whole."""

    def __init__(self, voices: ServedModel, desk: RequestScheduler, metrics: Metrics) -> None:
        self.voices = voices
        self.desk = desk
        self.metrics = metrics

    async def answer(self, request: Request, asked: schema.Request, prompt: list[int], kind: Kind) -> Response:
        settings = self._fitting(asked, prompt)
        base = asked.model == self.voices.name + BASE
        answer = CompletionResponse(kind, self.voices.name + BASE * base, len(prompt))

        def speak() -> Iterator[TextChunk]:
            voice = self.voices.base if base else self.voices.tuned
            return stop_at_strings(voice(prompt, settings, asked.seed), asked.stops)

        pieces = self._counted(self.desk.speak(speak), len(prompt))
        try:
            first = await _unless_gone(request, anext(pieces))
        except (Busy, Draining) as refused:
            self.metrics.requests.labels("refused").inc()
            raise _refusal(refused) from None
        if asked.stream:
            with_usage = bool(asked.stream_options and asked.stream_options.include_usage)
            return StreamingResponse(_events(answer, first, pieces, with_usage), media_type="text/event-stream")
        text, last = await _unless_gone(request, _collect(first, pieces))
        return JSONResponse(answer.whole(text, last.stop_reason or "length", last.tokens))

    def _fitting(self, asked: schema.Request, prompt: list[int]) -> GenerationConfig:
        """Settings under which prompt and reply fit the context.

        Raises:
            HTTPException: 400 where they cannot.
        """
        room = self.voices.context - len(prompt)
        if not prompt:
            raise HTTPException(400, "the prompt is empty")
        if room < 1 or (asked.length or 0) > room:
            raise HTTPException(
                400,
                f"the prompt's {len(prompt)} tokens and max_tokens do not fit the context of {self.voices.context}",
            )
        settings = asked.settings(self.voices.persona.generation)
        return settings.model_copy(update={"max_new_tokens": min(settings.max_new_tokens, room)})

    async def _counted(self, pieces: AsyncIterator[TextChunk], prompt_tokens: int) -> AsyncIterator[TextChunk]:
        """The same pieces, on record."""
        began, tokens, outcome = time.monotonic(), 0, "gone"
        try:
            async for piece in pieces:
                if not tokens:
                    self.metrics.prompt_tokens.inc(prompt_tokens)
                    self.metrics.first_token.observe(time.monotonic() - began)
                tokens, outcome = piece.tokens, piece.stop_reason or "gone"
                yield piece
        except (Busy, Draining):
            raise
        except Exception:
            outcome = "failed"
            raise
        finally:
            self.metrics.reply_tokens.inc(tokens)
            if tokens:
                self.metrics.requests.labels(outcome).inc()
            await pieces.aclose()  # type: ignore[attr-defined]


async def _collect(first: TextChunk, pieces: AsyncIterator[TextChunk]) -> tuple[str, TextChunk]:
    text, last = first.text, first
    async for last in pieces:
        text += last.text
    return text, last


async def _events(
    answer: CompletionResponse, first: TextChunk, pieces: AsyncIterator[TextChunk], with_usage: bool
) -> AsyncIterator[bytes]:
    """The events of a streamed answer; a failure on the way is told as one."""
    last = first
    try:
        if answer.kind == "chat":
            yield answer.opening()
        yield answer.chunk(first.text, first.stop_reason)
        async for last in pieces:
            yield answer.chunk(last.text, last.stop_reason)
    except Exception:
        yield event(error("the model failed", "model_failed", 500))
        return
    finally:
        await pieces.aclose()  # type: ignore[attr-defined]
    yield answer.closing(last.tokens, with_usage=with_usage)


async def _unless_gone(request: Request, work: Awaitable[T]) -> T:
    """The result of `work`, which is given up when the client goes away."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise HTTPException(499, "the client has gone")
        return working.result()
    finally:
        leaving.cancel()
        working.cancel()
        await asyncio.wait({working, leaving})


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _refusal(why: Busy | Draining) -> HTTPException:
    if isinstance(why, Busy):
        return HTTPException(429, "too many requests are waiting", {"Retry-After": "5"})
    return HTTPException(503, "the server is stopping", {"Retry-After": "5"})


def _add_page(app: FastAPI) -> None:
    """The chat page: a few files that ship with offbook, and nothing from anywhere else."""
    app.mount("/page", StaticFiles(directory=PAGE))

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
        return FileResponse(PAGE / "index.html", headers=headers)


async def _on_invalid(request: Request, invalid: RequestValidationError) -> JSONResponse:
    fault = invalid.errors()[0]
    where = ".".join(str(part) for part in fault["loc"] if part != "body")
    return JSONResponse(error(f"{where or 'body'}: {fault['msg']}", "invalid_value", 400, where or None), 400)


async def _on_http(request: Request, raised: StarletteHTTPException) -> JSONResponse:
    return JSONResponse(error(str(raised.detail), None, raised.status_code), raised.status_code, raised.headers)


async def _on_usage(request: Request, raised: UsageError) -> JSONResponse:
    return JSONResponse(error(raised.what, "invalid_value", 400), 400)


async def _on_failure(request: Request, raised: Exception) -> JSONResponse:
    return JSONResponse(error("the model failed", "model_failed", 500), 500)


_HANDLERS = {
    RequestValidationError: _on_invalid,
    StarletteHTTPException: _on_http,
    UsageError: _on_usage,
    Exception: _on_failure,
}
