"""The studio as an application: its API, a module a station, and the page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, RedirectResponse, Response

from offbook.core.i18n import base_language, in_language
from offbook.server import static_page
from offbook.server.static_page import POLICY, PageFiles
from offbook.studio.context import Studio
from offbook.studio.errors import HANDLERS
from offbook.studio.proxy import add_proxy
from offbook.studio.routes import ROUTERS

PAGE = Path(__file__).parent / "page"
PAGES = ("text", "lines", "character", "rehearse", "verdict", "talk", "take", "compare", "jobs")
"""First words of the addresses that the page knows."""
HEADERS = {
    **static_page.HEADERS,
    "Content-Security-Policy": f"{POLICY}; frame-src 'self'",
    "Referrer-Policy": "no-referrer",
}
"""Reports and the chat page stand in frames."""


def create_app(studio: Studio) -> FastAPI:
    """The application, unguarded (see `offbook.studio.guard`).

    Args:
        studio: the workspace, its queue and the token.
    """
    app = FastAPI(
        title="offbook studio",
        description="The story from a text to a character that speaks. Every request shows the studio's token.",
        docs_url=None,
        redoc_url=None,
        exception_handlers=HANDLERS,
    )
    app.state.studio = studio
    for router in ROUTERS:
        app.include_router(router, prefix="/api")
    add_proxy(app)
    _add_page(app, studio)
    return app


def _add_page(app: FastAPI, studio: Studio) -> None:
    app.mount("/page/shared", PageFiles(directory=static_page.PAGE))
    app.mount("/page", PageFiles(directory=PAGE))

    async def page(request: Request) -> Response:
        """The page; with the token in its address, the cookie that holds it from then on."""
        if "token" not in request.query_params:
            return FileResponse(PAGE / "index.html", headers=HEADERS)
        url = request.url.remove_query_params("token")
        response = RedirectResponse(f"{url.path}?{url.query}" if url.query else url.path, 303, HEADERS)
        response.set_cookie(studio.cookie, studio.token, max_age=2**25, httponly=True, samesite="strict")
        return response

    app.add_api_route("/", page, include_in_schema=False)
    for name in PAGES:
        app.add_api_route(f"/{name}", page, include_in_schema=False)
        app.add_api_route(f"/{name}/{{rest:path}}", page, include_in_schema=False)


class LanguageOfRequest:
    """ASGI middleware: messages come in the reader's language (the cookie `lang`, else what the browser prefers).

    Args:
        app: the application behind it.
    """

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        tag = request.cookies.get("lang") or request.headers.get("accept-language", "").split(",")[0].split(";")[0]
        if not tag:
            await self.app(scope, receive, send)
            return
        with in_language(base_language(tag)):
            await self.app(scope, receive, send)
