"""The chat page of a character, passed on from the process that serves it: the browser sees one origin."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from offbook.server.static_page import POLICY
from offbook.studio.context import Studio, StudioDep
from offbook.studio.errors import NotFound, error_json

PASSED_ON = ("content-type", "accept", "accept-language")
"""Headers of a request that the character's process sees; not the token of the studio."""
SENT_BACK = ("content-type", "cache-control", "etag", "last-modified")


def key_of(studio: Studio, salt: str) -> str:
    """The key of a character's process: known to the studio alone, also after it was started again."""
    return hmac.new(studio.token.encode(), salt.encode(), hashlib.sha256).hexdigest()


def add_proxy(app: FastAPI) -> None:
    """Serve `/proxy/JOB/…`, the pages and the API of the process that job JOB is."""

    async def pass_on(job_id: str, path: str, request: Request, studio: StudioDep) -> Response:
        job = studio.queue.get(job_id)
        if job.request.kind != "talk" or job.state != "running":
            raise NotFound("the character is not on stage", "Begin the talk again.")
        studio.queue.watched(job.id)
        details = job.request.details
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        headers["Authorization"] = f"Bearer {key_of(studio, details['salt'])}"
        return await _forward(app, f"http://127.0.0.1:{details['port']}/{path}", request, headers)

    app.add_api_route("/proxy/{job_id}/{path:path}", pass_on, methods=["GET", "POST"], include_in_schema=False)


async def _forward(app: FastAPI, address: str, request: Request, headers: dict[str, str]) -> Response:
    import httpx2

    client = _client(app)
    sent = client.build_request(
        request.method, address, params=request.query_params, headers=headers, content=await request.body()
    )
    try:
        answer = await client.send(sent, stream=True)
    except httpx2.TransportError:
        return JSONResponse(error_json(NotFound("the character is still coming on", "Wait a moment.")), 503)

    async def pieces() -> AsyncIterator[bytes]:
        try:
            async for piece in answer.aiter_raw():
                yield piece
        finally:
            await answer.aclose()

    kept = {name: answer.headers[name] for name in SENT_BACK if name in answer.headers}
    kept["Content-Security-Policy"] = POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    kept["X-Content-Type-Options"] = "nosniff"
    return StreamingResponse(pieces(), answer.status_code, kept)


def _client(app: FastAPI) -> Any:
    """The client for all that is passed on: made when it is first needed."""
    import httpx2

    if not hasattr(app.state, "client"):
        # A reply may take its time; proxies of the environment are for the world, not for this computer.
        timeout = httpx2.Timeout(None, connect=5)
        app.state.client = httpx2.AsyncClient(timeout=timeout, trust_env=False, headers={"Accept-Encoding": "identity"})
    return app.state.client
