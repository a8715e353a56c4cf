"""What the cells of a row hold: texts, lists, the turns of a conversation, and whether a reply is to be learned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from offbook.core.text import normalize
from offbook.core.types import Role, Turn
from offbook.data.sources import kind_of
from offbook.data.strict_json import JsonError, JsonText

ROLES: dict[str, Role] = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("user", "human", "observation", "tool", "function", "tool_response"), "user"),
    **dict.fromkeys(
        ("assistant", "gpt", "ai", "chatgpt", "model", "bot", "bing", "bard", "function_call", "tool_call"), "assistant"
    ),
}
"""Every spelling of a speaker's role."""
WEIGHTS = ("weight", "loss_weight", "loss", "train", "training", "trainable", "learn", "output_with_loss")
"""Every spelling of whether a reply is learned (1, true) or only read (0, false)."""
FLAGS: dict[object, float] = {0: 0.0, 1: 1.0, "0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0}


PARTS: dict[str, Role] = {"system": "system", "input": "user"}


class RowError(Exception):
    """Why a row cannot become a conversation."""


class ColumnsError(RowError):
    """The row's columns are those of no format."""


class LeftOut(RowError):
    """Why a row that is understood is not to be learned."""


def text_of(value: Any, name: str) -> str:
    """The value, which must be text.

    Raises:
        RowError: it is not; `name` says what it is in the row.
    """
    if not isinstance(value, str):
        raise RowError(f"{name} is not text but {kind_of(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise RowError(f"{name} holds half a character (an unpaired surrogate)") from None
    return value


def list_of(value: Any, name: str) -> list[Any]:
    """The value as a list: in a table's cell it is written as JSON, in a Parquet file perhaps as one list a key."""
    if isinstance(value, str):
        try:
            value, fault = JsonText(value).value()
        except JsonError:
            raise RowError(f"{name} is text, and no JSON list in it") from None
        if fault:
            raise RowError(f"{name}: {fault}")
    if isinstance(value, dict) and value and all(isinstance(column, list) for column in value.values()):
        value = [dict(zip(value, cells, strict=False)) for cells in zip(*value.values(), strict=False)]
    if not isinstance(value, list):
        raise RowError(f"{name} is not a list but {kind_of(value)}")
    return value


def content_of(value: Any, name: str) -> str:
    """The text of a message: text, or a list of text parts as OpenAI (`text`) and LLaMA-Factory (`value`) write it."""
    if not isinstance(value, list):
        return text_of(value, name)
    for part in value:
        if not isinstance(part, dict) or part.get("type") != "text":
            raise RowError(f"{name} holds something other than text")
    return "".join(text_of(part.get("text", part.get("value")), name) for part in value)


def weight_of(turn: Mapping[str, Any]) -> float:
    """1 where a turn is learned (if it is the character's), 0 where it is only read.

    Raises:
        RowError: the turn names a weight between, or one that is no weight.
    """
    for key in WEIGHTS:
        value = turn.get(key)
        if value is None:
            continue
        flag = value.lower() if isinstance(value, str) else value
        if not isinstance(flag, str | int | float) or flag not in FLAGS:
            raise RowError(f"{key} is {value!r}: known are 1 or true (learned) and 0 or false (only read)")
        return FLAGS[flag]
    return 1.0


def turns_of(value: Any, name: str, character: str | None = None) -> Iterator[Turn]:
    """The turns in a list of messages, whatever its keys are called.

    Args:
        value: objects with `role` or `from`, and `content`, `value`, `text` or `message`; or with `is_human`
            (PIPPA); or with `input` and `output`, and perhaps `system` (xtuner).
        name: what the list is in the row.
        character: whose turns are the replies where speakers have names.

    Raises:
        RowError: the list holds anything else.
    """
    for number, turn in enumerate(list_of(value, name), 1):
        if not isinstance(turn, dict):
            raise RowError(f"turn {number} is not an object but {kind_of(turn)}")
        if "output" in turn and "role" not in turn and "from" not in turn:
            for column in ("system", "input"):
                yield Turn(PARTS[column], text_of(turn.get(column) or "", f"{column} of turn {number}"))
            yield Turn("assistant", text_of(turn["output"], f"output of turn {number}"), weight=weight_of(turn))
            continue
        content = next((turn[key] for key in ("content", "value", "text", "message") if key in turn), None)
        if turn.get("tool_calls") and not content:
            continue  # a call is no speech; what the tool answers is read
        role = _role(turn, number, character)
        yield Turn(role, content_of(content, f"the text of turn {number}"), weight=weight_of(turn))


def _role(turn: Mapping[str, Any], number: int, character: str | None) -> Role:
    if isinstance(turn.get("is_human"), bool):
        return "user" if turn["is_human"] else "assistant"
    speaker = turn.get("role", turn.get("from"))
    role = ROLES.get(speaker.lower()) if isinstance(speaker, str) else None
    if role is None and isinstance(speaker, str) and character and normalize(speaker) == normalize(character):
        return "assistant"
    if role is None:
        raise RowError(f"turn {number} is by '{speaker}', known are {', '.join(ROLES)}")
    return role


def dialogue_turns(lines: Iterable[tuple[str, str]], character: str | None) -> Iterator[Turn]:
    """A conversation between people with names, up to the character's last line.

    Where several others speak, each of their lines begins with its speaker's name.

    Raises:
        RowError: the character does not speak in it.
    """
    lines = list(lines)
    is_reply = [character is not None and normalize(speaker) == normalize(character) for speaker, _ in lines]
    if True not in is_reply:
        names = ", ".join(dict.fromkeys(speaker for speaker, _ in lines))
        raise RowError(
            f"nobody in its dialogue is called '{character}' (it is between {names[:80]}); "
            "say whose replies are learned with --persona.name"
        )
    others = {speaker for (speaker, _), is_character in zip(lines, is_reply, strict=True) if not is_character}
    end = len(lines) - is_reply[::-1].index(True)
    for (speaker, text), is_character in zip(lines[:end], is_reply, strict=False):
        if is_character:
            yield Turn("assistant", text)
        else:
            colon = "：" if not normalize(speaker).isascii() else ": "
            yield Turn("user", f"{speaker}{colon}{text}" if len(others) > 1 else text)
