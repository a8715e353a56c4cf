"""What goes wrong with a request of the studio: two sentences, what and how to fix it, in the reader's language."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from offbook.core.errors import OffbookError, UsageError
from offbook.core.i18n import translate
from offbook.core.system_errors import system_reason
from offbook.studio.advice import page_fix


class NotFound(UsageError):
    """What the address names is not there."""


class Conflict(UsageError):
    """It cannot be done in the present state of things."""


class TooLarge(UsageError):
    """More bytes than are taken."""


class TooSlow(UsageError):
    """A client that sends next to nothing."""


STATUS: dict[type[OffbookError], int] = {
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    TooSlow: 408,
    UsageError: 400,
    OffbookError: 500,
}


def error_json(error: OffbookError) -> dict[str, Any]:
    """The body of an error: `{"error": {"message": what, "fix": how to mend it, "code": a word for programs}}`."""
    return {"error": {"message": error.what, "fix": page_fix(error.fix), "code": type(error).__name__}}


async def _on_offbook(_: Request, error: Exception) -> Response:
    assert isinstance(error, OffbookError)
    status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
    return JSONResponse(error_json(error), status)


async def _on_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problem = error.errors()[0]
    place = ".".join(str(part) for part in problem["loc"] if part not in ("body", "query", "path"))
    return JSONResponse(
        error_json(
            UsageError(
                "{place}: {problem}",
                "What is taken stands in /openapi.json.",
                place=place or "body",
                problem=problem["msg"],
            )
        ),
        400,
    )


async def _on_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    body = {"error": {"message": str(error.detail), "fix": "", "code": "http"}}
    return JSONResponse(body, error.status_code, error.headers)


async def _on_system(_: Request, error: Exception) -> Response:
    assert isinstance(error, OSError)
    refusal = OffbookError(
        "the system refused: {reason}",
        "Look at the rights and at the free space on the disk.",
        reason=system_reason(error),
    )
    return JSONResponse(error_json(refusal), 507 if error.errno in (28, 122) else 500)


async def _on_failure(_: Request, __: Exception) -> Response:
    message = translate("something in the studio is wrong; the terminal that it runs in shows what")
    return JSONResponse({"error": {"message": message, "fix": "", "code": "internal"}}, 500)


HANDLERS: dict[int | type[Exception], Any] = {
    RequestValidationError: _on_invalid,
    HTTPException: _on_http,
    OffbookError: _on_offbook,
    OSError: _on_system,
    Exception: _on_failure,
}
