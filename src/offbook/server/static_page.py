"""The pages that ship with offbook: a few files, and nothing from anywhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles

PAGE = Path(__file__).parent / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}


class PageFiles(StaticFiles):
    """Files of a page. The browser asks each time whether it has the newest ones.

    Else it goes on with what it has for a tenth of its age: after an update, old files beside new ones.
    """

    def file_response(self, *args: Any, **fields: Any) -> Response:
        """The file, or that it is the one that the browser has."""
        response = super().file_response(*args, **fields)
        response.headers["Cache-Control"] = "no-cache"
        return response


def add_index(app: FastAPI, path: str, folder: Path = PAGE) -> None:
    """Serve the `index.html` of a folder under a path of the application."""

    @app.get(path, include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(folder / "index.html", headers=HEADERS)
