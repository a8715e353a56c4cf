"""The requests of OpenAI's API that are understood, and what is refused in them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from offbook.core.config.schema import GenerationConfig
from offbook.core.types import Role, Turn

Stop = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class TextPart(BaseModel):
    """A part of a message; only text is understood."""

    type: Literal["text"]
    text: str


class Message(BaseModel):
    """One turn of a conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]

    @property
    def turn(self) -> Turn:
        role: Role = "system" if self.role in ("system", "developer") else self.role  # type: ignore[assignment]
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return Turn(role, text)


class ResponseFormat(BaseModel):
    """Plain text is the only format."""

    type: Literal["text"]


class StreamOptions(BaseModel):
    """What a stream tells besides the reply."""

    include_usage: bool = False


class Request(BaseModel):
    """What both kinds of completion share. Fields that are not named here are ignored, as OpenAI's clients expect."""

    model_config = ConfigDict(extra="ignore")

    model: str = ""
    stream: bool = False
    stream_options: StreamOptions | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=4)] | None = None
    temperature: float | None = Field(None, ge=0, le=2, allow_inf_nan=False)
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1)
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    n: Literal[1] | None = 1
    presence_penalty: Literal[0] | None = 0
    frequency_penalty: Literal[0] | None = 0
    repetition_penalty: float | None = Field(None, ge=1, le=10)

    @field_validator("presence_penalty", "frequency_penalty", mode="before")
    @classmethod
    def _zero(cls, value: Any) -> Any:
        """Clients send 0.0 too."""
        return 0 if value == 0 and not isinstance(value, bool) else value

    @property
    def stops(self) -> list[str]:
        """Texts that end the reply."""
        return [self.stop] if isinstance(self.stop, str) else self.stop or []

    @property
    def length(self) -> int | None:
        """The longest reply that the client asks for."""
        return self.max_tokens

    def settings(self, default: GenerationConfig) -> GenerationConfig:
        """The character's own sampling, with what the client asks for on top."""
        asked = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "repetition_penalty": self.repetition_penalty,
            "max_new_tokens": self.length,
        }
        return default.model_copy(update={name: value for name, value in asked.items() if value is not None})


class ChatRequest(Request):
    """POST /v1/chat/completions"""

    messages: list[Message] = Field(min_length=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    response_format: ResponseFormat | None = None

    @property
    def length(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    @property
    def turns(self) -> list[Turn]:
        return [message.turn for message in self.messages]


class CompletionRequest(Request):
    """POST /v1/completions: plain text that is continued, without a template."""

    prompt: str | Annotated[list[str], Field(min_length=1, max_length=1)]
    echo: Literal[False] | None = False

    @property
    def text(self) -> str:
        return self.prompt if isinstance(self.prompt, str) else self.prompt[0]
