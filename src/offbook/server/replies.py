"""From a prompt to a response, streamed or whole: waits its turn, counts, and ends when the client goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from typing import Any, TypeVar

from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from offbook.generation.sampling_settings import SamplingSettings
from offbook.generation.text_chunk import StopReason, TextChunk
from offbook.server import schema
from offbook.server.cast import BASE, Cast, Hold, Member, UnknownCharacterError
from offbook.server.conversation import Prompt
from offbook.server.errors import context_exceeded, unknown_model
from offbook.server.prometheus import Metrics
from offbook.server.responses import CompletionResponse, Kind, error, event
from offbook.server.scheduler import DrainingError, QueueFullError, stop_at_strings
from offbook.server.served_model import ServedModel

T = TypeVar("T")


def find(cast: Cast, name: str) -> tuple[Member, bool]:
    """The character that answers to a name, and whether its base model is meant.

    Raises:
        ApiError: 404 where nobody does.
    """
    try:
        return cast.find(name)
    except UnknownCharacterError as unknown:
        raise unknown_model(unknown, cast.names) from None


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


class Replies:
    """Turns prompts into responses, streamed or whole.

    Args:
        metrics: counts them.
    """

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics

    async def respond(
        self,
        request: Request,
        body: schema.GenerationRequest,
        prompt: Prompt,
        kind: Kind,
        member: Member,
        held: Hold,
        *,
        base: bool = False,
        stop: Sequence[str] = (),
        scene: dict[str, Any] | None = None,
    ) -> Response:
        """The response with one reply or several to a prompt.

        Args:
            request: the client's; where it goes away, its replies end.
            body: what it asks for.
            prompt: what the model continues.
            kind: whether a chat is answered or a text continued.
            member: who speaks.
            held: the request's hold on them; a streamed response keeps it until it has ended.
            base: whether the base model speaks instead.
            stop: further strings that end a reply.
            scene: what a client is told of the scene that the reply belongs to.

        Raises:
            HTTPException: there is no room for a reply, too many wait, or the client has gone.
        """
        model, scheduler = member.model, member.stage.scheduler
        sampling = _fitting(model, body, prompt.ids)
        response = CompletionResponse(
            kind, model.name + BASE * base, len(prompt.ids), dropped_messages=prompt.dropped_messages, scene=scene
        )

        def choice(index: int) -> AsyncIterator[TextChunk]:
            seed = None if body.seed is None else body.seed + index

            def generate() -> Iterator[TextChunk]:
                backend = model.base if base else model.tuned
                return stop_at_strings(backend(prompt.ids, sampling, seed), [*body.stop_strings, *stop])

            return self._counted(scheduler.stream(generate), len(prompt.ids))

        choices = [choice(index) for index in range(body.n)]
        try:
            first = await _unless_gone(request, anext(choices[0]))
        except (QueueFullError, DrainingError) as refusal:
            self.metrics.requests.labels("refused").inc()
            raise _unavailable(refusal) from None
        if body.stream:
            events = _events(response, first, choices, with_usage=bool(body.stream_options.include_usage))
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


def _fitting(model: ServedModel, body: schema.GenerationRequest, prompt: list[int]) -> SamplingSettings:
    """Sampling under which prompt and reply fit the context: a longer reply than there is room for is clamped.

    Raises:
        HTTPException: 400 where there is no room for a reply at all.
    """
    room = model.context - len(prompt)
    if not prompt:
        raise HTTPException(400, "the prompt is empty")
    if room < 1:
        param = "prompt" if isinstance(body, schema.CompletionRequest) else "messages"
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
