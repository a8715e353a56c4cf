"""What goes wrong with a request, in the words and the form that OpenAI's clients know."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from offbook.core.errors import UsageError
from offbook.server.cast import UnknownCharacterError
from offbook.server.responses import error

ENDPOINTS = "/v1/chat/completions, /v1/completions, /v1/models, /v1/character, /v1/cast, /v1/scene"


class ApiError(HTTPException):
    """An error with OpenAI's `code` and `param` beside its message."""

    def __init__(self, status: int, message: str, code: str, param: str | None = None) -> None:
        super().__init__(status, message)
        self.code = code
        self.param = param


def context_exceeded(context: int, tokens: int, param: str) -> ApiError:
    """The prompt alone fills the context, in the words by which clients recognise that and shorten it."""
    message = (
        f"This model's maximum context length is {context} tokens. However, your {param} resulted in {tokens} tokens. "
        f"Please reduce the length of the {param}."
    )
    return ApiError(400, message, "context_length_exceeded", param)


def unknown_model(unknown: UnknownCharacterError, names: Sequence[str]) -> ApiError:
    """Nobody answers to that name."""
    what = "is not served here any more" if unknown.has_left else "does not exist"
    message = f"The model '{unknown.name}' {what}; there are {' and '.join(names)}."
    return ApiError(404, message, "model_not_found", "model")


async def _on_invalid(_: Request, invalid: Exception) -> Response:
    assert isinstance(invalid, RequestValidationError)
    problem = invalid.errors()[0]
    where = ".".join(str(part) for part in problem["loc"] if part != "body")
    return JSONResponse(error(f"{where or 'body'}: {problem['msg']}", "invalid_value", 400, where or None), 400)


async def _on_http(request: Request, raised: Exception) -> Response:
    assert isinstance(raised, StarletteHTTPException)
    if isinstance(raised, ApiError):
        body = error(raised.detail, raised.code, raised.status_code, raised.param)
    elif raised.status_code == 404:
        body = error(f"{request.url.path} is not served here; there are {ENDPOINTS}.", "unknown_url", 404)
    else:
        body = error(str(raised.detail), None, raised.status_code)
    return JSONResponse(body, raised.status_code, raised.headers)


async def _on_usage(_: Request, raised: Exception) -> Response:
    assert isinstance(raised, UsageError)
    return JSONResponse(error(raised.what, "invalid_value", 400), 400)


async def _on_failure(_: Request, __: Exception) -> Response:
    return JSONResponse(error("the model failed", "model_failed", 500), 500)


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    RequestValidationError: _on_invalid,
    StarletteHTTPException: _on_http,
    UsageError: _on_usage,
    Exception: _on_failure,
}
