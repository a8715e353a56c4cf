"""The pages that ship with offbook: a few files, and nothing from anywhere else."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse

PAGE = Path(__file__).parent / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}


def add_index(app: FastAPI, path: str, folder: Path = PAGE) -> None:
    """Serve the `index.html` of a folder under a path of the application."""

    @app.get(path, include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(folder / "index.html", headers=HEADERS)
