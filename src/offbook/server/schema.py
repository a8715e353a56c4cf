"""The requests of OpenAI's API that are understood.

Clients differ in what they send: fields that mean nothing here are ignored, and null means that a field was not sent.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from offbook.core.config.schema import GenerationConfig
from offbook.core.scene import Line, Move, Rule
from offbook.core.types import Role, Turn
from offbook.generation.sampling import SamplingSettings

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "tool": "user",
    "function": "user",
    "assistant": "assistant",
}
"""A message's role → who speaks the turn; the result of a tool is read like something said by the user."""


def _well_formed(text: str) -> str:
    """JSON can escape half of a surrogate pair, which is no text in any encoding."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("half of a surrogate pair is not text") from None
    return text


Text = Annotated[str, AfterValidator(_well_formed)]


class ContentPart(BaseModel):
    """A part of a message; only text is understood."""

    type: Literal["text", "input_text", "output_text", "refusal"]
    text: Text = ""
    refusal: Text = ""


class Message(BaseModel):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | list[ContentPart] | None = None

    @property
    def turn(self) -> Turn:
        """The message as a turn; without any content its text is empty."""
        if self.content is None or isinstance(self.content, str):
            return Turn(ROLES[self.role], self.content or "")
        return Turn(ROLES[self.role], "".join(part.text or part.refusal for part in self.content))


class ResponseFormat(BaseModel):
    """Plain text is the only format."""

    type: Literal["text"]


class StreamOptions(BaseModel):
    """What a stream holds besides the reply."""

    include_usage: bool = False


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class GenerationRequest(BaseModel):
    """How a reply is sampled, where it ends, and whether it comes as a stream."""

    model_config = ConfigDict(extra="ignore")

    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    stop: Annotated[list[Annotated[Text, Field(max_length=256)]], BeforeValidator(_as_list), Field(max_length=64)] = []
    temperature: float | None = Field(None, ge=0, le=2, allow_inf_nan=False)
    top_p: float | None = Field(None, ge=0, le=1)
    top_k: int = Field(0, ge=-1)
    """0 and −1: all tokens."""
    min_p: float = Field(0, ge=0, le=1)
    max_tokens: int | None = Field(None, ge=1)
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    n: int = Field(1, ge=1, le=16)
    """Replies to one prompt."""
    presence_penalty: float = Field(0, ge=-2, le=2)
    frequency_penalty: float = Field(0, ge=-2, le=2)
    repetition_penalty: float | None = Field(None, ge=1, le=10)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        """Null means that a field was not sent; llama.cpp's and Ollama's name for a field is understood too."""
        if not isinstance(data, dict):
            return data
        fields = {name: value for name, value in data.items() if value is not None}
        if "repeat_penalty" in fields:
            fields.setdefault("repetition_penalty", fields["repeat_penalty"])
        return fields

    @field_validator("max_tokens", "max_completion_tokens", mode="before", check_fields=False)
    @classmethod
    def _unlimited(cls, value: Any) -> Any:
        """Clients of llama.cpp send −1 for "as many as there is room for"."""
        return None if value == -1 else value

    @property
    def stop_strings(self) -> list[str]:
        """The strings that end the reply."""
        return [string for string in self.stop if string]

    @property
    def longest(self) -> int | None:
        """The longest reply that the client asks for, in tokens."""
        return self.max_tokens

    def sampling(self, default: GenerationConfig) -> SamplingSettings:
        """The character's own sampling, overridden where the client asks for something else."""
        overrides = {
            "temperature": self.temperature,
            "top_p": None if self.top_p is None else max(self.top_p, 1e-6),
            "top_k": max(self.top_k, 0),
            "min_p": self.min_p,
            "presence_penalty": self.presence_penalty,
            "frequency_penalty": self.frequency_penalty,
            "repetition_penalty": self.repetition_penalty,
            "max_new_tokens": self.longest,
        }
        return SamplingSettings.of(default).model_copy(
            update={name: value for name, value in overrides.items() if value is not None}
        )


class ChatRequest(GenerationRequest):
    """The body of POST /v1/chat/completions."""

    model: Text = ""
    messages: list[Message] = Field(min_length=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    response_format: ResponseFormat | None = None
    truncation: Literal["auto", "disabled"] = "auto"
    """disabled: a conversation that is longer than the context is an error, and no old message is dropped."""

    @property
    def longest(self) -> int | None:
        """The longest reply that the client asks for, in tokens."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def turns(self) -> list[Turn]:
        """The conversation."""
        return [message.turn for message in self.messages]


class CompletionRequest(GenerationRequest):
    """The body of POST /v1/completions: plain text that is continued, without a template."""

    model: Text = ""
    prompt: Annotated[list[Text], BeforeValidator(_as_list), Field(min_length=1, max_length=1)]
    echo: Literal[False] = False

    @property
    def text(self) -> str:
        """The text that is continued."""
        return self.prompt[0]


class CastRequest(BaseModel):
    """The body of POST /v1/cast."""

    model_config = ConfigDict(extra="forbid")

    add: list[Text] = Field([], max_length=64)
    """Names of runs: characters that are added, or take the place of those of their names."""
    remove: list[Text] = Field([], max_length=64)
    """Characters that are let go."""


def _name(text: str) -> str:
    """A name on one line."""
    name = " ".join(_well_formed(text).split())
    if not name:
        raise ValueError("a name has at least one letter")
    return name


Name = Annotated[str, Field(max_length=80), AfterValidator(_name)]


class SceneLine(BaseModel):
    """A line of a scene: what `name` says, or, without a name, what happens."""

    name: Annotated[Text, Field(max_length=80)] = ""
    text: Text
    move: Move | None = None
    """`name` enters or leaves, and the text says so."""

    @property
    def line(self) -> Line:
        """The line as the scene has it."""
        return Line(self.name, self.text, self.move)


class SceneMember(BaseModel):
    """A character of a scene."""

    model: Text
    """Its name in /v1/models."""
    name: Name | None = None
    """The name under which the others hear it; without one, its persona's."""


class ScriptRequest(BaseModel):
    """The body of POST /v1/scene/script."""

    lines: list[SceneLine] = Field(max_length=20_000)


class SceneRequest(GenerationRequest):
    """The body of POST /v1/scene: the scene so far, and whose line is asked for."""

    n: Literal[1] = 1
    user: Name = "You"
    cast: list[SceneMember] = Field(min_length=1, max_length=64)
    rule: Rule = "addressed"
    """Who answers: whom the last line names, else the one who was silent longest; all in turn; the named alone."""
    lines: list[SceneLine] = Field([], max_length=20_000)
    say: Text = ""
    """What the user adds: a line, in parentheses what happens, or that a character `leaves` or `enters`."""
    speaker: Text = ""
    """Who speaks, whatever the rule says."""
