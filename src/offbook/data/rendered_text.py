"""A conversation that was written into one text, with marks that tell who speaks: the prompt format of some model.

    rendered_turns("### Human: Who's there?### Assistant: Nay, answer me.")

The marks become roles and are no part of what is said: a row is rendered anew, in the format of the model that learns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from offbook.core.i18n import marked
from offbook.core.types import Role, Turn


class Marks:
    """The marks of one format.

    Args:
        roles: mark → who speaks after it.
        around: what stands before and after turns, besides.
        at_line_start: whether marks are words that stand in other places, too.
    """

    def __init__(self, roles: dict[str, Role], around: Iterable[str] = (), at_line_start: bool = False) -> None:
        self.roles = roles
        self.around = tuple(around)
        self._at_line_start = at_line_start

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches a mark."""
        marks = "|".join(re.escape(mark) for mark in sorted(self.roles, key=len, reverse=True))
        return re.compile(rf"^(?:{marks})" if self._at_line_start else marks, re.MULTILINE)

    def bare(self, text: str) -> str:
        """A turn's text without what the format sets around it."""
        text = text.strip()
        while end := next((mark for mark in self.around if text.endswith(mark)), None):
            text = text.removesuffix(end).rstrip()
        while start := next((mark for mark in self.around if text.startswith(mark)), None):
            text = text.removeprefix(start).lstrip()
        return text


ROUND = re.compile(r"^[ \t]*\[Round \d+\][ \t]*\n\s*(?=问[:：])", re.MULTILINE)
"""What heads a question and its answer in ChatGLM's format."""
HARMONY = re.compile(
    r"<\|start\|>(?P<who>[\w.]+)(?P<head>[^<]*(?:<\|(?:channel|constrain)\|>[^<]*)*)<\|message\|>(?P<text>.*?)"
    r"(?:<\|(?:end|return|call)\|>|(?=<\|start\|>)|\Z)",
    re.DOTALL,
)
"""A message as gpt-oss writes it: `<|start|>assistant<|channel|>final<|message|>Since four.<|return|>`."""
HARMONY_ENDS = "<|start|>assistant"
HARMONY_FRAME = "# Valid channels:"
"""What the system message of gpt-oss's template says of the format itself."""
SIDES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant"}
WORDS: dict[str, Role] = {"Human": "user", "User": "user", "Assistant": "assistant"}
LLAMA_SYSTEM = re.compile(r"\s*<<SYS>>(.*?)<</SYS>>(.*)", re.DOTALL)
FORMATS = (
    Marks({f"<|im_start|>{name}": role for name, role in SIDES.items()}, ["<|im_end|>", "<|endoftext|>"]),
    Marks(
        {f"<|start_header_id|>{name}<|end_header_id|>": role for name, role in SIDES.items()},
        ["<|begin_of_text|>", "<|eot_id|>", "<|end_of_text|>"],
    ),
    Marks(
        {f"<|header_start|>{name}<|header_end|>": role for name, role in SIDES.items()},
        ["<|begin_of_text|>", "<|eot|>", "<|end_of_text|>"],
    ),
    Marks({"<start_of_turn>user": "user", "<start_of_turn>model": "assistant"}, ["<bos>", "<end_of_turn>", "<eos>"]),
    Marks(
        {**{f"<|{name}|>": role for name, role in SIDES.items()}, "<|model|>": "assistant"},
        ["<s>", "<|end|>", "</s>", "<|endoftext|>", "[gMASK]<sop>"],
    ),
    Marks({"[INST]": "user", "[/INST]": "assistant"}, ["<s>", "</s>", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"]),
    Marks(
        {"<|SYSTEM_TOKEN|>": "system", "<|USER_TOKEN|>": "user", "<|CHATBOT_TOKEN|>": "assistant"},
        ["<BOS_TOKEN>", "<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>"],
    ),
    Marks({"<|Human|>:": "user", "<|MOSS|>:": "assistant"}, ["<eoh>", "<eom>"]),
    Marks({"[|Human|]": "user", "[|AI|]": "assistant"}),
    Marks(
        {
            **dict.fromkeys(["### System:"], "system"),
            **dict.fromkeys(["### Human:", "### User:", "### Instruction:", "### Input:"], "user"),
            **dict.fromkeys(["### Assistant:", "### Response:"], "assistant"),
        },
        ["<s>", "</s>", "<|endoftext|>", "<|end_of_text|>"],
    ),
    Marks(
        {"SYSTEM:": "system", "USER:": "user", "FUNCTION RESPONSE:": "user", "ASSISTANT:": "assistant"},
        ["<s>", "</s>", "<|endoftext|>"],
    ),
    Marks({"<human>:": "user", "<bot>:": "assistant"}),
    Marks({"<｜User｜>": "user", "<｜Assistant｜>": "assistant"}, ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"]),
    Marks(
        {f"{name}{colon}": role for name, role in WORDS.items() for colon in ":："}, ["<s>", "</s>"], at_line_start=True
    ),
    Marks({"问：": "user", "问:": "user", "答：": "assistant", "答:": "assistant"}, at_line_start=True),
    Marks({"Q:": "user", "A:": "assistant"}, at_line_start=True),
    Marks({"Question:": "user", "Answer:": "assistant"}, at_line_start=True),
)
"""ChatML; Llama 3; Llama 4; Gemma; Zephyr, Phi, GLM and Pygmalion; Llama 2 and Mistral; Cohere; MOSS; Baize; Guanaco
and Alpaca; Vicuna and Glaive; OIG; DeepSeek; BELLE; ChatGLM; questions and answers."""
SEPARATOR = re.compile(r"(?:\n\s*#{2,}|[ \t\n](?:->|=>|-->))\s*\Z")
"""What ends each prompt in files for OpenAI's old completions: `\\n\\n###\\n\\n`, or ` ->`."""
STOP = re.compile(r"(?:\s*(?:#{2,}|<END>|\[END\]|(?<!THE)\sEND))?\s*\Z")
"""What ends each completion there: ` END`, `###` or a line break."""

LONE_STOP = re.compile(r"(?:(?<=[.!?…。！？~～”\"'’」』)）*])\s*(?:<END>|\[END\]|END)|\s*(?:#{3}|<END>|\[END\]))\s*\Z")
"""The stop sequence where no separator ends the prompt; `THE END` is said."""

NO_MARKS = marked(
    "its {column} has no marks that tell who speaks (### Human:, [INST], <|im_start|>user); "
    "lines of a script or a book are for offbook extract"
)
ANSWER = (HARMONY_ENDS, *(mark for format in FORMATS for mark, role in format.roles.items() if role == "assistant"))
"""The marks after which the character speaks."""


def rendered_turns(text: str) -> list[Turn]:
    """The turns in a rendered text: none if it has no marks of both sides. What stands before them is the system's."""
    if messages := list(HARMONY.finditer(text)):
        return list(_harmony(messages, text.rstrip().endswith(HARMONY_ENDS)))
    text = ROUND.sub("", text)
    for format in FORMATS:
        marks = list(format.pattern.finditer(text))
        if {"user", "assistant"} <= {format.roles[mark[0]] for mark in marks}:
            break
    else:
        return []
    turns = [Turn("system", format.bare(text[: marks[0].start()]))]
    for mark, end in zip(marks, [*(mark.start() for mark in marks[1:]), len(text)], strict=True):
        part = format.bare(text[mark.end() : end])
        if system := LLAMA_SYSTEM.fullmatch(part):
            turns.append(Turn("system", system[1].strip()))
            part = system[2].strip()
        turns.append(Turn(format.roles[mark[0]], part))
    return turns


def _harmony(messages: Iterable[re.Match[str]], is_prompt: bool) -> Iterator[Turn]:
    """The turns in messages of gpt-oss's, without the thoughts and calls in other channels than the final one.

    Args:
        messages: matches of HARMONY.
        is_prompt: whether the side that is to answer stands behind them.
    """
    for message in messages:
        role = {**SIDES, "developer": "system"}.get(message["who"], "user")
        text = message["text"].strip().removeprefix("# Instructions").lstrip() if role == "system" else message["text"]
        is_unheard = role == "assistant" and "<|channel|>" in message["head"] and "final" not in message["head"]
        if not is_unheard and HARMONY_FRAME not in text:
            yield Turn(role, text.strip())
    if is_prompt:
        yield Turn("assistant", "")


def prompt_turns(text: str) -> list[Turn]:
    """The turns in a prompt that ends with the mark of the side that is to answer; none if it is no such prompt."""
    turns = rendered_turns(text) if text.rstrip().endswith(ANSWER) else []
    return turns[:-1] if turns and turns[-1] == Turn("assistant", "") else []


def without_end(reply: str) -> str:
    """A reply without the mark that ends it, in whatever format."""
    ended = reply.rstrip()
    while mark := next((mark for format in FORMATS for mark in format.around if ended.endswith(mark)), None):
        reply = ended = ended.removesuffix(mark).rstrip()
    text, stops = LONE_STOP.subn("", reply)
    return text.strip() if stops else reply


def old_completion(prompt: str, reply: str) -> tuple[str, str] | None:
    """Prompt and reply without the separator and the stop sequence of OpenAI's old completions; None without them."""
    text, separators = SEPARATOR.subn("", prompt)
    return (text, STOP.sub("", reply).strip()) if separators and text.strip() else None
