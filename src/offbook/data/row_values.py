"""What the cells of a row hold: texts, lists, the turns of a conversation, and whether a reply is to be learned."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from offbook.core.i18n import marked
from offbook.core.progress import fill
from offbook.core.text import normalize
from offbook.core.types import Role, Turn
from offbook.data.sources import kind_of
from offbook.data.strict_json import JsonError, JsonText

ROLES: dict[str, Role] = {
    **dict.fromkeys(("system", "developer", "系统"), "system"),
    **dict.fromkeys(("user", "human", "observation", "tool", "function", "tool_response", "prompter"), "user"),
    **dict.fromkeys(("用户", "人类", "用戶", "ユーザー", "사용자"), "user"),
    **dict.fromkeys(("assistant", "gpt", "ai", "chatgpt", "model", "bot", "chatbot", "bing", "bard"), "assistant"),
    **dict.fromkeys(("助手", "机器人", "模型", "智能助手", "ai助手", "アシスタント", "어시스턴트"), "assistant"),
}
"""Every spelling of a speaker's role."""
PART_TEXTS = ("text", "input_text", "output_text")
UNSPOKEN = ("thinking", "redacted_thinking", "reasoning", "tool_use")
"""Parts of a message that nobody hears: thoughts, and calls of tools."""
CALLS = ("function_call", "tool_call")
"""Who speaks in a turn that calls a tool."""
WEIGHTS = (
    "weight", "loss_weight", "loss_scale", "loss", "loss_mask", "with_loss", "output_with_loss", "compute_loss",
    "train", "is_train", "train_on_turn", "training", "trainable", "learn",
)  # fmt: skip
"""Every spelling of whether a reply is learned (1, true) or only read (0, false)."""
WEIGHT_LIKE = re.compile(r"loss|train|mask|weight|learn", re.IGNORECASE)
FLAGS: dict[object, float] = {0: 0.0, 1: 1.0, "0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0}


PAIRS = (
    ("input", "output"), ("human", "assistant"), ("user", "assistant"), ("user", "bot"), ("human", "gpt"),
    ("question", "answer"), ("query", "response"), ("prompt", "response"), ("instruction", "output"), ("q", "a"),
)  # fmt: skip
"""Fields of an object that holds what is said and what is answered."""
TURN_TEXT = marked("the text of turn {number}")
TURN_PART = marked("{column} of turn {number}")


SPEAKERS = ("role", "from", "author", "speaker", "character", "name", "角色", "说话人")
"""Keys of a turn that say who speaks."""
TEXTS = ("content", "value", "text", "message", "parts", "utterance", "内容", "台词")


class RowError(Exception):
    """Why a row cannot become a conversation.

    Args:
        why: a template in English; it is translated.
        fields: what stands in it.
    """

    def __init__(self, why: str, **fields: object) -> None:
        super().__init__(fill(why, fields))


class ColumnsError(RowError):
    """The row's columns are those of no format."""


class NotTextError(RowError):
    """What must be text is something else.

    Args:
        name: what it is in the row.
        value: what it is instead of a text.
    """

    def __init__(self, name: str, value: Any) -> None:
        self.name, self.kind = name, kind_of(value)
        super().__init__("{name} is not text but {kind}", name=name, kind=self.kind)


class LeftOut(RowError):
    """Why a row that is understood is not to be learned."""


def text_of(value: Any, name: str, **fields: object) -> str:
    """The value, which must be text.

    Args:
        value: a part of a row.
        name: what it is in the row; a template where there are fields.
        fields: what stands in it.

    Raises:
        RowError: it is not.
    """
    if not isinstance(value, str):
        raise NotTextError(_named(name, fields), value)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise RowError("{name} holds half a character (an unpaired surrogate)", name=_named(name, fields)) from None
    return value


def _named(name: str, fields: Mapping[str, object]) -> str:
    return fill(name, fields) if fields else name


def list_of(value: Any, name: str) -> list[Any]:
    """The value as a list: in a table's cell it is written as JSON, in a Parquet file perhaps as one list a key."""
    if isinstance(value, str):
        value = _listed_in(value, name)
    if isinstance(value, dict) and value and all(isinstance(column, list) for column in value.values()):
        value = [dict(zip(value, cells, strict=False)) for cells in zip(*value.values(), strict=False)]
    if not isinstance(value, list):
        raise RowError("{name} is not a list but {kind}", name=name, kind=kind_of(value))
    return value


def _listed_in(text: str, name: str) -> Any:
    """The list that a cell holds, as JSON or, as pandas writes one into CSV, as Python's literal."""
    try:
        value, fault = JsonText(text).value()
    except JsonError:
        with suppress(ValueError, SyntaxError, MemoryError, RecursionError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a backslash in a text
            return ast.literal_eval(text.strip())
        raise RowError("{name} is text, and no JSON list in it", name=name) from None
    if fault:
        raise RowError("{name}: {fault}", name=name, fault=fault)
    return value


def content_of(value: Any, name: str, **fields: object) -> str:
    """The text of a message: text, or a list of parts as OpenAI, Anthropic and LLaMA-Factory (`value`) write it."""
    if not isinstance(value, list):
        return text_of(value, name, **fields)
    texts = []
    for part in value:
        kind = part.get("type", "text" if set(part) == {"text"} else None) if isinstance(part, dict) else None
        if kind == "tool_result":
            texts.append(content_of(part.get("content") or "", name, **fields))
        elif kind in PART_TEXTS:
            texts.append(text_of(part.get("text", part.get("value")), name, **fields))
        elif kind not in UNSPOKEN:
            raise RowError("{name} holds something other than text", name=_named(name, fields))
    return "".join(texts)


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
            raise RowError(
                "{key} is {value!r}: known are 1 or true (learned) and 0 or false (only read)", key=key, value=value
            )
        return FLAGS[flag]
    unknown = next(
        (str(key) for key, value in turn.items() if value is not None and WEIGHT_LIKE.search(str(key))), None
    )
    if unknown is not None and unknown not in WEIGHTS:
        raise RowError(
            "'{unknown}' may say that a reply is not learned; write it as weight: 1 (learned) or 0 (only read)",
            unknown=unknown,
        )
    return 1.0


def speaker_of(turn: Mapping[str, Any]) -> Any:
    """Who speaks in a turn, as it says itself; None where it does not."""
    return next((turn[key] for key in SPEAKERS if turn.get(key) is not None), None)


def turns_of(value: Any, name: str, character: str | None = None) -> Iterator[Turn]:
    """The turns in a list of messages, whatever its keys are called.

    Args:
        value: objects with one of `SPEAKERS` and one of `TEXTS`; or with `is_human`
            (PIPPA); or with `input` and `output`, and perhaps `system` (xtuner); or a role and text: {"user": "Hi"}.
        name: what the list is in the row.
        character: whose turns are the replies where speakers have names.

    Raises:
        RowError: the list holds anything else.
    """
    turns = [_with_keys(turn) for turn in list_of(value, name)]
    speakers = [speaker_of(turn) for turn in turns if isinstance(turn, dict)]
    names = {speaker for speaker in speakers if isinstance(speaker, str) and speaker.lower() not in (*ROLES, *CALLS)}
    is_named = character is not None and any(normalize(speaker) == normalize(character) for speaker in names)
    if names and not is_named and not any(isinstance(each, str) and each.lower() in ROLES for each in speakers):
        _refuse_strangers((each for each in speakers if isinstance(each, str) and each in names), character)
    for number, turn in enumerate(turns, 1):
        if not isinstance(turn, dict):
            raise RowError("turn {number} is not an object but {kind}", number=number, kind=kind_of(turn))
        pair = next((pair for pair in PAIRS if pair[1] in turn and pair[0] in turn), None)
        speaker = speaker_of(turn)
        if "role" not in turn and "from" not in turn and (pair is not None or "output" in turn):
            prompt, answer = pair or PAIRS[0]
            yield Turn("system", text_of(turn.get("system") or "", TURN_PART, column="system", number=number))
            yield Turn("user", text_of(turn.get(prompt) or "", TURN_PART, column=prompt, number=number))
            reply = text_of(only_text(turn[answer]), TURN_PART, column=answer, number=number)
            yield Turn("assistant", reply, weight=weight_of(turn))
            continue
        content = next((turn[key] for key in TEXTS if key in turn), None)
        is_call = bool(turn.get("tool_calls") or (isinstance(content, list) and any(map(_is_call, content))))
        if (is_call and not content) or (isinstance(speaker, str) and speaker.lower() in CALLS):
            continue  # a call is no speech; what the tool answers is read
        text = content_of(content, TURN_TEXT, number=number)
        if is_call and not text.strip():
            continue
        if is_named and speaker in names:
            assert character is not None
            if normalize(speaker) == normalize(character):
                yield Turn("assistant", text, weight=weight_of(turn))
            else:
                yield Turn("user", with_speaker(speaker, text) if len(names) > 2 else text)
            continue
        role = _role(turn, number)
        yield Turn(role, text, weight=weight_of(turn) if role == "assistant" else 1.0)


def _with_keys(turn: Any) -> Any:
    """A turn that is nothing but a role and its text, with a key for each; any other as it is."""
    if not isinstance(turn, dict) or len(turn) != 1:
        return turn
    ((role, text),) = turn.items()
    return {"role": role, "content": text} if str(role).lower() in ROLES else turn


def only_text(value: Any) -> Any:
    """The text that a list holds alone, or a list in that (Qianfan's answers, of which there may be several).

    Any other value is given back as it is.
    """
    inner = value
    while isinstance(inner, list) and len(inner) == 1:
        inner = inner[0]
    return inner if isinstance(inner, str) else value


def _is_call(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "tool_use"


def _role(turn: Mapping[str, Any], number: int) -> Role:
    if isinstance(turn.get("is_human"), bool):
        return "user" if turn["is_human"] else "assistant"
    speaker = speaker_of(turn)
    if speaker is None:
        raise RowError("turn {number} does not say who speaks: write role: user or assistant into it", number=number)
    role = ROLES.get(speaker.lower()) if isinstance(speaker, str) else None
    if role is None:
        raise RowError(
            "turn {number} is by '{speaker}', known are {names}; if that is the character, say so with --persona.name",
            number=number,
            speaker=speaker,
            names=", ".join(ROLES),
        )
    return role


def with_speaker(speaker: str, text: str) -> str:
    """A line of one of several others, after its speaker's name."""
    return f"{speaker}{'：' if not normalize(speaker).isascii() else ': '}{text}"


def dialogue_turns(lines: Iterable[tuple[str, str]], character: str | None) -> Iterator[Turn]:
    """A conversation between people with names, up to the character's last line.

    Where several others speak, each of their lines begins with its speaker's name.

    Raises:
        RowError: the character does not speak in it.
    """
    lines = list(lines)
    is_reply = [character is not None and normalize(speaker) == normalize(character) for speaker, _ in lines]
    if True not in is_reply:
        _refuse_strangers((speaker for speaker, _ in lines), character)
    others = {speaker for (speaker, _), is_character in zip(lines, is_reply, strict=True) if not is_character}
    end = len(lines) - is_reply[::-1].index(True)
    for (speaker, text), is_character in zip(lines[:end], is_reply, strict=False):
        if is_character:
            yield Turn("assistant", text)
        else:
            yield Turn("user", with_speaker(speaker, text) if len(others) > 1 else text)


def alternating(texts: Sequence[str]) -> Iterator[Turn]:
    """A conversation of two whom nobody names: who speaks second is the character, and has the last word."""
    for number, text in enumerate(texts[: len(texts) // 2 * 2]):
        yield Turn("assistant" if number % 2 else "user", text)


def _refuse_strangers(speakers: Iterable[str], character: str | None) -> NoReturn:
    """Raises: RowError: the character is none of those who speak."""
    names = ", ".join(dict.fromkeys(speakers))
    if character is None:
        raise RowError(
            "its dialogue is between {names}: say whose replies are learned with --persona.name", names=names[:80]
        )
    raise RowError(
        "nobody in its dialogue is called '{character}' (it is between {names}); "
        "say whose replies are learned with --persona.name",
        character=character,
        names=names[:80],
    )
