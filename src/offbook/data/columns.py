"""What the columns of a row mean: their usual names, names that the user gives, and columns that must not be lost."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from offbook.core.registry import lookup
from offbook.core.types import Turn
from offbook.data.row_values import ColumnsError, RowError
from offbook.data.sources import Row

SYNONYMS = {
    **dict.fromkeys(("prompt", "question", "query", "问题", "提问", "指令", "提示"), "instruction"),
    **dict.fromkeys(("context", "输入"), "input"),
    **dict.fromkeys(("response", "completion", "answer", "reply", "generated"), "output"),
    **dict.fromkeys(("回答", "答案", "回复", "输出"), "output"),
    **dict.fromkeys(("system_prompt", "系统", "系统提示"), "system"),
    "rejected_response": "rejected",
    **dict.fromkeys(("agent_role", "bot_name", "role_name", "role"), "character"),
}
"""Other names of the columns instruction, input, output, system, rejected and character."""
MEANINGS = {
    "prompt": "instruction",
    "input": "input",
    "reply": "output",
    "system": "system",
    "history": "history",
    "turns": "messages",
    "scene": "scene",
    "character": "character",
    "ignore": "",
}
"""What a user can say that a column is (`data.columns`), and the column that it becomes."""
PROMPT_LIKE = re.compile(
    r"prompt|question|query|instruct|input|context|history|system|^user|human|asked|^line$|上文|问|输入|提示|指令|系统",
    re.IGNORECASE,
)
METADATA = re.compile(
    r"_?(?:ids?|type|index|len|length|tokens|hash|lang|language|source|file|name|time|date|url|category|tags?|label"
    r"|title|score)$",
    re.IGNORECASE,
)


def rename(row: Row, columns: Mapping[str, str]) -> Row:
    """The row under the names that the formats know.

    Args:
        columns: meaning → the row's column, or several joined by `+`, whose texts are then joined by a newline.

    Raises:
        RowError: a column is not there, or two columns mean the same.
    """
    renamed: Row = {}
    taken: set[str] = set()
    for meaning, named in columns.items():
        target = lookup(MEANINGS, meaning, "meaning of a column")
        names = [name.strip() for name in named.split("+")]
        if missing := [name for name in names if name not in row]:
            if meaning == "ignore":
                continue
            raise ColumnsError(f"it has no column '{missing[0]}' (data.columns); it has {', '.join(map(str, row))}")
        taken.update(names)
        if meaning != "ignore":
            values = [row[name] for name in names]
            renamed[target] = values[0] if len(values) == 1 else "\n".join(str(value) for value in values if value)
    given = set(renamed)
    for column, value in row.items():
        name = SYNONYMS.get(column, column)
        if column in taken or (name in given and name != column):
            if column not in taken:
                renamed[column] = value
            continue
        if name in renamed:
            both = ", ".join(str(each) for each in row if SYNONYMS.get(each, each) == name)
            raise RowError(
                f"two of its columns mean {name} ({both}): say what they are with "
                "--data.columns, as in prompt=COLUMN,ignore=COLUMN"
            )
        renamed[name] = value
    return renamed


def refuse_loss(row: Row, used: Collection[str], turns: Iterable[Turn]) -> None:
    """Refuse a row with a column that looks like a part of the prompt and is not among what is read.

    Args:
        row: a row as `rename` gives it.
        used: the columns that its format reads.
        turns: what was read.

    Raises:
        ColumnsError: there is such a column; the message says how to name its meaning.
    """
    read = "\n".join(turn.text for turn in turns)
    unread = [str(column) for column, value in row.items() if column not in used and _holds_other_text(value, read)]
    lost = next((column for column in unread if PROMPT_LIKE.search(column) and not METADATA.search(column)), None)
    prompts = {"instruction", "input", "history"}
    if lost is None and "output" in used and not prompts & row.keys():
        lost = next((column for column in unread if not METADATA.search(column)), None)
    if lost is not None:
        raise ColumnsError(
            f"its column '{lost}' looks like a part of the prompt and would be lost: "
            f"map the columns, as in --data.columns prompt={lost}, or leave it out: --data.columns ignore={lost}"
        )


def _holds_other_text(value: Any, read: str) -> bool:
    """Whether a value holds text that is not among what was read."""
    if isinstance(value, str):
        return bool(value.strip()) and value.strip() not in read
    if isinstance(value, list | dict):
        return any(_holds_other_text(each, read) for each in (value.values() if isinstance(value, dict) else value))
    return False
