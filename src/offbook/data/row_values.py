"""What the cells of a row hold: texts, lists, the turns of a conversation, and whether a reply is to be learned."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from offbook.core.progress import fill
from offbook.core.types import Role
from offbook.data.cell_lists import literal
from offbook.data.sources import kind_of
from offbook.data.strict_json import JsonError, JsonText

ROLES: dict[str, Role] = {
    **dict.fromkeys(("system", "developer", "系统", "系統"), "system"),
    **dict.fromkeys(("user", "human", "observation", "tool", "function", "tool_response", "prompter"), "user"),
    **dict.fromkeys(("用户", "人类", "用戶", "人類", "使用者", "ユーザー", "사용자"), "user"),
    **dict.fromkeys(("assistant", "gpt", "ai", "chatgpt", "model", "bot", "chatbot", "bing", "bard"), "assistant"),
    **dict.fromkeys(("character", "char", "npc", "角色"), "assistant"),
    **dict.fromkeys(
        ("助手", "机器人", "機器人", "助理", "模型", "智能助手", "ai助手", "アシスタント", "어시스턴트"), "assistant"
    ),
}
"""Every spelling of a speaker's role."""
PART_TEXTS = ("text", "input_text", "output_text")
UNSPOKEN = ("thinking", "redacted_thinking", "reasoning", "tool_use")
"""Parts of a message that nobody hears: thoughts, and calls of tools."""
GEMINI_CALLS = ("functionCall", "function_call")
GEMINI_MARKS = ("thought", "thoughtSignature", "thought_signature", "cache_control")
"""What may stand beside the text of a part."""
CALLS = ("function_call", "tool_call")
"""Who speaks in a turn that calls a tool."""
WEIGHTS = (
    "weight", "loss_weight", "loss_scale", "loss", "loss_mask", "with_loss", "output_with_loss", "compute_loss",
    "sample_weight", "example_weight", "train", "is_train", "train_on_turn", "training", "trainable", "learn",
)  # fmt: skip
"""Every spelling of whether a reply is learned (1, true) or only read (0, false)."""
WEIGHT_LIKE = re.compile(r"loss|train|mask|weight|learn|supervis|^ignored?$|^is_target$", re.IGNORECASE)
FLAGS: dict[object, float] = {0: 0.0, 1: 1.0, "0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0}


PAIRS = (
    ("input", "output"), ("human", "assistant"), ("user", "assistant"), ("user", "bot"), ("human", "gpt"),
    ("question", "answer"), ("query", "response"), ("prompt", "response"), ("instruction", "output"), ("q", "a"),
    ("prompt", "reply"), ("prompt", "completion"), ("instruction", "response"), ("问", "答"), ("提问", "回答"),
    ("問", "答"), ("提問", "回答"),
)  # fmt: skip
"""Fields of an object that holds what is said and what is answered."""
SPEAKERS = ("role", "from", "author", "speaker", "character", "name", "角色", "说话人")
"""Keys of a turn that say who speaks."""
TEXTS = ("content", "value", "text", "message", "parts", "utterance", "mes", "内容", "台词")


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

    is_chat = False
    """Whether it is of a chat or a script, of which `offbook extract` makes rows."""


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
    """The list that a cell holds, as JSON or, as pandas writes one into CSV, as Python's or numpy's literal."""
    try:
        value, fault = JsonText(text).value()
    except JsonError:
        if (value := literal(text)) is not None:
            return value
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
        kind = _kind_of_part(part)
        if kind == "tool_result":
            texts.append(content_of(part.get("content") or "", name, **fields))
        elif kind in PART_TEXTS:
            texts.append(text_of(part.get("text", part.get("value")), name, **fields))
        elif kind not in UNSPOKEN:
            raise RowError("{name} holds something other than text", name=_named(name, fields))
    return "".join(texts)


def _kind_of_part(part: Any) -> Any:
    """The type of a part of a message; Gemini's bear none, but a mark where they are thoughts or calls."""
    if not isinstance(part, dict):
        return None
    if "type" not in part and (part.get("thought") is True or any(call in part for call in GEMINI_CALLS)):
        return "thinking" if "thought" in part else "tool_use"
    return part.get("type", "text" if "text" in part and part.keys() <= {"text", *GEMINI_MARKS} else None)


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


def only_text(value: Any) -> Any:
    """The text that a list holds alone, or a list in that (Qianfan's answers, of which there may be several).

    Any other value is given back as it is.
    """
    inner = value
    while isinstance(inner, list) and len(inner) == 1:
        inner = inner[0]
    return inner if isinstance(inner, str) else value
