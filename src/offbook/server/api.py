"""OpenAI's API over the characters of a cast, and the chat page."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from offbook.server import schema
from offbook.server.cast import BASE, Cast, Member, UnknownCharacterError
from offbook.server.conversation import ContextOverflowError, Prompt, SystemPolicy
from offbook.server.errors import HANDLERS, ApiError, context_exceeded, unknown_model
from offbook.server.prometheus import Metrics
from offbook.server.replies import Replies, find
from offbook.server.scene import prompt_room
from offbook.server.scene_api import add_scene
from offbook.server.served_model import ServedModel
from offbook.server.static_page import PAGE, PageFiles, add_index

ManageFn = Callable[[Sequence[str], Sequence[str]], None]
"""(runs to add or replace, characters to remove) → done."""


def create_app(cast: Cast, *, system: SystemPolicy = "append", manage: ManageFn | None = None) -> FastAPI:
    """The application, unguarded (see `offbook.server.middleware`).

    Args:
        cast: the characters, and their base models.
        system: what a client's system prompt does.
        manage: adds and removes characters by the names of their runs; None where clients may not.
    """
    app = FastAPI(title="offbook", docs_url=None, redoc_url=None, exception_handlers=HANDLERS)
    metrics = Metrics(cast)
    replies = Replies(metrics)
    began = int(time.time())

    def entry(member: Member, *, base: bool) -> dict[str, Any]:
        name = member.model.name + BASE * base
        context = member.model.context
        return {
            "id": name,
            "object": "model",
            "created": began,
            "owned_by": "offbook",
            "context_length": context,  # Chatbox reads it
            "max_model_len": context,  # clients of vLLM do
            "offbook": _card(member.model),
        }

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
        member, base = find(cast, name)
        return entry(member, base=base)

    @app.get("/v1/character")
    async def character(model: str = "") -> dict[str, Any]:
        """Who speaks here and how: what the chat page shows. Without a name, the first of them."""
        member = find(cast, model)[0] if model or not cast.members else cast.members[0]
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
        member, base = find(cast, body.model)
        model = member.model
        with member.in_use() as held:
            sampling = body.sampling(model.persona.generation)
            room = prompt_room(model, sampling) if body.truncation == "auto" else None
            try:
                prompt = await run_in_threadpool(model.chat_prompt, body.turns, system, room)
            except ContextOverflowError as overflow:
                raise context_exceeded(model.context, overflow.tokens, "messages") from None
            return await replies.respond(request, body, prompt, "chat", member, held, base=base)

    @app.post("/v1/completions")
    async def completions(request: Request, body: schema.CompletionRequest) -> Response:
        """Plain text, continued."""
        member, base = find(cast, body.model)
        with member.in_use() as held:
            prompt = Prompt(await run_in_threadpool(member.model.text_ids, body.text))
            return await replies.respond(request, body, prompt, "text", member, held, base=base)

    add_scene(app, cast, replies)
    app.mount("/page", PageFiles(directory=PAGE))
    add_index(app, "/")
    return app


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
