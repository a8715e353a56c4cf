"""The JSON that OpenAI's API answers with."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Literal

from offbook.generation.stream import StopReason

Kind = Literal["chat", "text"]


@dataclass(frozen=True, slots=True)
class CompletionResponse:
    """One answer's identity; makes its whole form and its streamed one."""

    kind: Kind
    model: str
    prompt_tokens: int
    id: str = field(default_factory=lambda: secrets.token_hex(12))
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, text: str, reason: StopReason, tokens: int) -> dict[str, Any]:
        """The answer in one piece."""
        said = {"message": {"role": "assistant", "content": text}} if self.kind == "chat" else {"text": text}
        return {**self._head(""), "choices": [_choice(said, reason)], "usage": self.usage(tokens)}

    def opening(self) -> bytes:
        """The first event of a chat's stream: who speaks."""
        return self._event({"delta": {"role": "assistant", "content": ""}}, None)

    def chunk(self, text: str, reason: StopReason | None) -> bytes:
        """An event with a bit of the reply."""
        if self.kind == "text":
            return self._event({"text": text}, reason)
        return self._event({"delta": {"content": text} if text else {}}, reason)

    def closing(self, tokens: int, *, with_usage: bool) -> bytes:
        """The last events of a stream."""
        end = b"data: [DONE]\n\n"
        if not with_usage:
            return end
        return event({**self._head(".chunk"), "choices": [], "usage": self.usage(tokens)}) + end

    def usage(self, tokens: int) -> dict[str, int]:
        """What the answer took, in tokens."""
        total = self.prompt_tokens + tokens
        return {"prompt_tokens": self.prompt_tokens, "completion_tokens": tokens, "total_tokens": total}

    def _event(self, said: dict[str, Any], reason: StopReason | None) -> bytes:
        return event({**self._head(".chunk"), "choices": [_choice(said, reason)]})

    def _head(self, streamed: str) -> dict[str, Any]:
        chat = self.kind == "chat"
        return {
            "id": f"chatcmpl-{self.id}" if chat else f"cmpl-{self.id}",
            "object": f"chat.completion{streamed}" if chat else "text_completion",
            "created": self.created,
            "model": self.model,
        }


def _choice(said: dict[str, Any], reason: StopReason | None) -> dict[str, Any]:
    return {"index": 0, **said, "logprobs": None, "finish_reason": reason}


def event(value: dict[str, Any]) -> bytes:
    """A server-sent event."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def error(message: str, code: str | None, status: int, param: str | None = None) -> dict[str, Any]:
    """An error as OpenAI's clients know it."""
    kind = {401: "authentication_error", 429: "rate_limit_error"}.get(status)
    kind = kind or ("server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def error_body(message: str, code: str | None, status: int) -> bytes:
    """`error` as a response's body."""
    return json.dumps(error(message, code, status), ensure_ascii=False).encode()
