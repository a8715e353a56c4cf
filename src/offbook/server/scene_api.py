"""Scenes over HTTP: the client keeps the script, and asks for the next line by whoever's turn it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool

from offbook.core.scene import Line, Scene, match_name
from offbook.server.cast import Cast
from offbook.server.conversation import ContextOverflowError
from offbook.server.errors import context_exceeded
from offbook.server.replies import Replies, find
from offbook.server.responses import CompletionResponse
from offbook.server.scene import line_prompt, stage_names
from offbook.server.schema import SceneRequest, ScriptRequest


def add_scene(app: FastAPI, cast: Cast, replies: Replies) -> None:
    """Add the endpoints of scenes to the application."""

    @app.post("/v1/scene")
    async def next_line(request: Request, body: SceneRequest) -> Response:
        """The next line of a scene, as a chat completion whose `offbook` says who speaks (`speaker`) and `then` who.

        A scene is its script, which the client keeps. `line` is what became of `say`. Without a speaker it is nobody's
        turn.
        """
        members = [find(cast, each.model)[0] for each in body.cast]
        by_default = {model.name: name for name, model in stage_names([member.model for member in members]).items()}
        names = [each.name or by_default[member.model.name] for each, member in zip(body.cast, members, strict=True)]
        scene = Scene(body.user, names, body.rule, [each.line for each in body.lines])
        if body.say.strip():
            scene.add_line(body.user, body.say.strip())
        speakers = [match_name(body.speaker, scene.present)] if body.speaker else scene.next_speakers()
        about = _about(scene.lines[-1] if body.say.strip() else None, speakers)
        if not speakers:
            return _silence(about, is_stream=body.stream)
        member = members[names.index(speakers[0])]
        model = member.model
        with member.in_use() as held:
            sampling = body.sampling(model.persona.generation)
            try:
                prompt = await run_in_threadpool(line_prompt, model, scene, speakers[0], sampling)
            except ContextOverflowError as overflow:
                raise context_exceeded(model.context, overflow.tokens, "lines") from None
            stop = scene.prefixes_of_others(speakers[0])
            return await replies.respond(request, body, prompt, "chat", member, held, stop=stop, scene=about)

    @app.post("/v1/scene/script", response_class=PlainTextResponse)
    async def script(body: ScriptRequest) -> PlainTextResponse:
        """The lines of a scene as a script that `offbook extract` reads."""
        scene = Scene("", [], lines=[each.line for each in body.lines])
        return PlainTextResponse(scene.script(), headers={"X-Content-Type-Options": "nosniff"})


def _about(line: Line | None, speakers: Sequence[str]) -> dict[str, Any]:
    """What a client is told of its scene."""
    return {
        "line": None if line is None else asdict(line),
        "speaker": speakers[0] if speakers else None,
        "then": list(speakers[1:]),
    }


def _silence(about: dict[str, Any], *, is_stream: bool) -> Response:
    """The response where it is nobody's turn."""
    response = CompletionResponse("chat", "", 0, scene=about)
    if not is_stream:
        return JSONResponse(response.full([], 0))
    events = response.scene_event() + response.last_chunk(0, with_usage=False)
    return Response(events, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})
