"""The requests of OpenAI's API that are understood.

Clients differ in what they send: fields that mean nothing here are ignored, and null means that a field was not sent.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from offbook.core.config.schema import GenerationConfig
from offbook.core.scene import Line, Move, Rule
from offbook.core.types import Role, Turn
from offbook.generation.sampling_settings import SamplingSettings

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


def _only(allowed: Collection[str], otherwise: str) -> BeforeValidator:
    """Refuse a value that is not among `allowed`, in the words `otherwise`."""

    def check(value: Any) -> Any:
        if not isinstance(value, str) or value not in allowed:
            raise PydanticCustomError("unsupported", otherwise)
        return value

    return BeforeValidator(check)


# Clients look for the first sentence of each, and try again without what was refused.
IMAGES_REFUSED = "The model is not a VLM. It does not support images, audio or files: only text can be read here"
TOOLS_REFUSED = "Function calling is not enabled for this model. It does not support tools, so none can be required"

SPOKEN_PARTS = ("text", "input_text", "output_text", "refusal")
THOUGHTS = ("thinking", "redacted_thinking", "reasoning")
"""Parts of an assistant's message that clients keep and send back, and that nobody said."""


class ContentPart(BaseModel):
    """A part of a message; only text is understood."""

    type: Annotated[
        Literal["text", "input_text", "output_text", "refusal", "thinking", "redacted_thinking", "reasoning"],
        _only((*SPOKEN_PARTS, *THOUGHTS), IMAGES_REFUSED),
    ]
    text: Text | None = None
    refusal: Text | None = None

    @property
    def spoken(self) -> str:
        """What the part says."""
        return (self.text or self.refusal or "") if self.type in SPOKEN_PARTS else ""


def _as_parts(content: Any) -> Any:
    """A message's content as the list of its parts; null is none."""
    parts = content if isinstance(content, list) else [] if content is None else [content]
    return [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]


class Message(BaseModel):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Annotated[
        list[ContentPart], BeforeValidator(_as_parts, json_schema_input_type=str | list[str | ContentPart] | None)
    ] = []

    @property
    def turn(self) -> Turn:
        """The message as a turn; without any content its text is empty."""
        return Turn(ROLES[self.role], "".join(part.spoken for part in self.content))


class ResponseFormat(BaseModel):
    """Plain text is the only format."""

    type: Annotated[Literal["text"], _only(("text",), "replies are plain text: no other response format is supported")]


ToolChoice = Annotated[Literal["auto", "none"], _only(("auto", "none"), TOOLS_REFUSED)]


class StreamOptions(BaseModel):
    """What a stream holds besides the reply."""

    include_usage: bool | None = False


def _as_list(value: Any) -> Any:
    """One string as a list of it; nulls in a list are left out."""
    if isinstance(value, list):
        return [item for item in value if item is not None]
    return [value] if isinstance(value, str) else value


class GenerationRequest(BaseModel):
    """How a reply is sampled, where it ends, and whether it comes as a stream."""

    model_config = ConfigDict(extra="ignore")

    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    stop: Annotated[list[Annotated[Text, Field(max_length=256)]], BeforeValidator(_as_list), Field(max_length=256)] = []
    temperature: float | None = Field(None, ge=0, le=100, allow_inf_nan=False)
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
    repetition_penalty: float | None = Field(None, gt=0, le=10)

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
        """Clients of llama.cpp and Ollama send −1 or −2 for "as many as there is room for"."""
        return None if isinstance(value, int | float) and value < 0 else value

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
    tool_choice: ToolChoice = "auto"
    """Tools are not called; a client that lets the model choose gets a reply in words."""
    function_call: ToolChoice = "auto"
    """The older name of `tool_choice`."""
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
