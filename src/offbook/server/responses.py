"""The JSON with which OpenAI's API answers."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from offbook.generation.text_chunk import StopReason

Kind = Literal["chat", "text"]


@dataclass(frozen=True, slots=True)
class CompletionResponse:
    """The identity of one response, and its JSON: whole, or as the events of a stream.

    The streamed form is that of https://platform.openai.com/docs/api-reference/chat-streaming.
    """

    kind: Kind
    model: str
    prompt_tokens: int
    dropped_messages: int = 0
    """Old messages that the context had no room for; told in the field `offbook`."""
    scene: dict[str, Any] | None = None
    """Whose line of a scene it is, and who speaks next; told in the field `offbook` at the beginning."""
    id: str = field(default_factory=lambda: secrets.token_hex(12))
    created: int = field(default_factory=lambda: int(time.time()))

    def full(self, replies: list[tuple[str, StopReason]], tokens: int) -> dict[str, Any]:
        """The response in one piece, from (text, stop reason) of each choice; `tokens` counts all of them."""
        choices = []
        for index, (text, reason) in enumerate(replies):
            content = {"message": {"role": "assistant", "content": text}} if self.kind == "chat" else {"text": text}
            choices.append(_choice(index, content, reason))
        return {**self._head("", self.scene), "choices": choices, "usage": self.usage(tokens)}

    def first_chunk(self, index: int) -> bytes:
        """The first event of a choice of a chat: who speaks."""
        return self.scene_event(_choice(index, {"delta": {"role": "assistant", "content": ""}}, None))

    def scene_event(self, *choices: dict[str, Any]) -> bytes:
        """The event that tells of the scene."""
        return event({**self._head(".chunk", self.scene), "choices": choices})

    def chunk(self, index: int, text: str, reason: StopReason | None) -> bytes:
        """An event with a bit of a choice's text."""
        if self.kind == "text":
            return self._event(index, {"text": text}, reason)
        return self._event(index, {"delta": {"content": text} if text else {}}, reason)

    def last_chunk(self, tokens: int, *, with_usage: bool) -> bytes:
        """The events that end a stream."""
        end = b"data: [DONE]\n\n"
        if not with_usage:
            return end
        return event({**self._head(".chunk"), "choices": [], "usage": self.usage(tokens)}) + end

    def usage(self, tokens: int) -> dict[str, int]:
        """The tokens of prompt and reply."""
        total = self.prompt_tokens + tokens
        return {"prompt_tokens": self.prompt_tokens, "completion_tokens": tokens, "total_tokens": total}

    def _event(self, index: int, content: dict[str, Any], reason: StopReason | None) -> bytes:
        return event({**self._head(".chunk"), "choices": [_choice(index, content, reason)]})

    def _head(self, suffix: str, scene: dict[str, Any] | None = None) -> dict[str, Any]:
        extras = {**({"dropped_messages": self.dropped_messages} if self.dropped_messages else {}), **(scene or {})}
        is_chat = self.kind == "chat"
        return {
            "id": f"chatcmpl-{self.id}" if is_chat else f"cmpl-{self.id}",
            "object": f"chat.completion{suffix}" if is_chat else "text_completion",
            "created": self.created,
            "model": self.model,
            **({"offbook": extras} if extras else {}),
        }


def _choice(index: int, content: dict[str, Any], reason: StopReason | None) -> dict[str, Any]:
    return {"index": index, **content, "logprobs": None, "finish_reason": reason}


def event(value: dict[str, Any]) -> bytes:
    """A server-sent event."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def error(message: str, code: str | None, status: int, param: str | None = None) -> dict[str, Any]:
    """The body of an error, as OpenAI's clients know it."""
    kind = {401: "authentication_error", 429: "rate_limit_error"}.get(status)
    kind = kind or ("server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def error_body(message: str, code: str | None, status: int) -> bytes:
    """`error` as bytes."""
    return json.dumps(error(message, code, status), ensure_ascii=False).encode()
