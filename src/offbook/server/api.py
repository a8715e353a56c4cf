"""OpenAI's API over the characters of a cast, and the chat page."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool

from offbook.generation.sampling import SamplingSettings
from offbook.generation.stream import StopReason, TextChunk
from offbook.server import schema
from offbook.server.cast import BASE, Cast, Hold, Member, UnknownCharacterError
from offbook.server.conversation import ContextOverflowError, Prompt, SystemPolicy
from offbook.server.errors import HANDLERS, ApiError, context_exceeded, unknown_model
from offbook.server.prometheus import Metrics
from offbook.server.responses import CompletionResponse, Kind, error, event
from offbook.server.scheduler import DrainingError, QueueFullError, stop_at_strings
from offbook.server.served_model import ServedModel

PAGE = Path(__file__).parent / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

ManageFn = Callable[[Sequence[str], Sequence[str]], None]
"""(runs to add or replace, characters to remove) → done."""

T = TypeVar("T")


def create_app(cast: Cast, *, system: SystemPolicy = "append", manage: ManageFn | None = None) -> FastAPI:
    """The application, unguarded (see `offbook.server.middleware`).

    Args:
        cast: the characters, and their base models.
        system: what a client's system prompt does.
        manage: adds and removes characters by the names of their runs; None where clients may not.
    """
    app = FastAPI(title="offbook", docs_url=None, redoc_url=None, exception_handlers=HANDLERS)
    metrics = Metrics(cast)
    server = _Server(metrics)
    began = int(time.time())

    def entry(member: Member, *, base: bool) -> dict[str, Any]:
        name = member.model.name + BASE * base
        return {"id": name, "object": "model", "created": began, "owned_by": "offbook", "offbook": _card(member.model)}

    def find(name: str) -> tuple[Member, bool]:
        try:
            return cast.find(name)
        except UnknownCharacterError as unknown:
            raise unknown_model(unknown, cast.names) from None

    @app.get("/health")
    async def health() -> JSONResponse:
        """Whether replies are begun."""
        if cast.draining:
            return JSONResponse({"status": "draining"}, 503)
        return JSONResponse({"status": "ok"})

    @app.get("/metrics")
    async def counters() -> Response:
        """Counters for Prometheus."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        """The characters and their base models."""
        data = [entry(member, base=base) for member in cast.members for base in (False, True)]
        return {"object": "list", "data": data}

    @app.get("/v1/models/{name:path}")
    async def retrieve(name: str) -> dict[str, Any]:
        """One of them."""
        if name not in cast.names:
            raise unknown_model(UnknownCharacterError(name, has_left=False), cast.names)
        member, base = find(name)
        return entry(member, base=base)

    @app.get("/v1/character")
    async def character(model: str = "") -> dict[str, Any]:
        """Who speaks here and how: what the chat page shows. Without a name, the first of them."""
        member = find(model)[0] if model or not cast.members else cast.members[0]
        return _card(member.model)

    @app.post("/v1/cast")
    async def change_cast(body: schema.CastRequest) -> dict[str, Any]:
        """Add characters by the names of their runs, replace those that are there, and remove others."""
        if manage is None:
            raise ApiError(403, "the cast is changed with a key alone: start with OFFBOOK_API_KEY", "key_required")
        await run_in_threadpool(manage, body.add, body.remove)
        return {"cast": [member.model.name for member in cast.members]}

    @app.post("/v1/chat/completions")
    async def chat(request: Request, body: schema.ChatRequest) -> Response:
        """The character's next turn."""
        member, base = find(body.model)
        model = member.model
        with member.in_use() as held:
            sampling = body.sampling(model.persona.generation)
            # Some room has to be left for the reply: what it may be at most, or a quarter of the context.
            room = model.context - min(sampling.max_new_tokens, max(model.context // 4, 1))
            try:
                prompt = await run_in_threadpool(
                    model.chat_prompt, body.turns, system, room if body.truncation == "auto" else None
                )
            except ContextOverflowError as overflow:
                raise context_exceeded(model.context, overflow.tokens, "messages") from None
            return await server.respond(request, body, prompt, "chat", member, held, base=base)

    @app.post("/v1/completions")
    async def completions(request: Request, body: schema.CompletionRequest) -> Response:
        """Plain text, continued."""
        member, base = find(body.model)
        with member.in_use() as held:
            prompt = Prompt(await run_in_threadpool(member.model.text_ids, body.text))
            return await server.respond(request, body, prompt, "text", member, held, base=base)

    _add_page(app)
    return app


class HeldResponse(StreamingResponse):
    """A streamed response that holds its character until it has ended, however that comes."""

    def __init__(self, held: Hold, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._held = held
        held.is_kept = True

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """See starlette."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._held.end()


def _card(model: ServedModel) -> dict[str, Any]:
    """What clients are told of a character."""
    persona = model.persona
    return {
        "name": persona.name,
        "greeting": persona.greeting,
        "generation": persona.generation.model_dump(),
        "model": model.name,
        "base": model.name + BASE,
        "base_model": persona.base.source,
        "engine": model.engine,
        "context": model.context,
    }


class _Server:
    """Turns prompts into responses, streamed or whole."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics

    async def respond(
        self,
        request: Request,
        body: schema.CompletionRequestBase,
        prompt: Prompt,
        kind: Kind,
        member: Member,
        held: Hold,
        *,
        base: bool,
    ) -> Response:
        model, scheduler = member.model, member.stage.scheduler
        sampling = _fitting(model, body, prompt.ids)
        response = CompletionResponse(
            kind, model.name + BASE * base, len(prompt.ids), dropped_messages=prompt.dropped_messages
        )

        def choice(index: int) -> AsyncIterator[TextChunk]:
            seed = None if body.seed is None else body.seed + index

            def generate() -> Iterator[TextChunk]:
                backend = model.base if base else model.tuned
                return stop_at_strings(backend(prompt.ids, sampling, seed), body.stop_strings)

            return self._counted(scheduler.stream(generate), len(prompt.ids))

        choices = [choice(index) for index in range(body.n)]
        try:
            first = await _unless_gone(request, anext(choices[0]))
        except (QueueFullError, DrainingError) as refusal:
            self.metrics.requests.labels("refused").inc()
            raise _unavailable(refusal) from None
        if body.stream:
            events = _events(response, first, choices, with_usage=body.stream_options.include_usage)
            return HeldResponse(held, events, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})
        replies, tokens = await _unless_gone(request, _collect(first, choices))
        return JSONResponse(response.full(replies, tokens))

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


def _fitting(model: ServedModel, body: schema.CompletionRequestBase, prompt: list[int]) -> SamplingSettings:
    """Sampling under which prompt and reply fit the context: a longer reply than there is room for is clamped.

    Raises:
        HTTPException: 400 where there is no room for a reply at all.
    """
    room = model.context - len(prompt)
    if not prompt:
        raise HTTPException(400, "the prompt is empty")
    if room < 1:
        param = "messages" if isinstance(body, schema.ChatRequest) else "prompt"
        raise context_exceeded(model.context, len(prompt), param)
    sampling = body.sampling(model.persona.generation)
    return sampling.model_copy(update={"max_new_tokens": min(sampling.max_new_tokens, room)})


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
