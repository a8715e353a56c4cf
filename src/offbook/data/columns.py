"""What the columns of a row mean: their usual names, names that the user gives, and columns that must not be lost."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Set
from typing import Any, NoReturn

from offbook.core.registry import lookup
from offbook.core.types import Turn
from offbook.data.column_names import canonical
from offbook.data.json_tables import is_row
from offbook.data.row_values import ColumnsError, RowError
from offbook.data.sources import Row

TALKS = frozenset({"messages", "dialogue"})
"""What a number is none of: a column `turns` may count them."""
WRAPPERS = ("request", "chat", "body", "conversation", "dialogue", "data", "sample")
"""Columns that may hold an object with the messages in it."""
TRANSLATIONS = (("source", "target"), ("sources", "targets"))
"""Columns of a pair; beside another reply or prompt, source says where a row comes from."""
EMPTY_CELLS = (
    "- -- — – / nan NaN NaT <NA> NULL null (null) [null] \\N None N/A n/a undefined"
    " #N/A #REF! #NAME? #VALUE! #DIV/0! #NUM! #NULL! #SPILL!"
)
MISSING = frozenset(EMPTY_CELLS.split())
"""What pandas, Python, JavaScript, databases and Excel write for an empty cell, and Excel's errors."""
NO_INPUT = re.compile(r"<no ?input>|noinput", re.IGNORECASE)
"""What the makers of Alpaca and its like write where an instruction has no input."""
NOTHING = re.compile(r"无|無|暂无|空|无输入|無輸入|n\.a\.", re.IGNORECASE)
"""What people write there; said to the character, it may be meant."""
SPOKEN = frozenset({"instruction", "input", "output", "system", "history"})
PROMPTS = frozenset({"instruction", "input", "messages", "history"})
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
SYSTEM_LIKE = re.compile(
    r"system|persona|background|scenario|situation|setting|profile|desc|definition|memor(?:y|ies)|knowledge|premise|story|intro"
    r"|preamble|card$|^bio|_info$|trait|rules?$|passage|document|article"
    r"|系统|人设|背景|设定|描述|简介|情境|情景|场景|知识|性格|身份|剧情|材料"
    r"|系統|人設|設定|簡介|場景|知識|劇情",
    re.IGNORECASE,
)
CARD_NAMES = ("name", "character_name", "char_name", "姓名", "名字")
"""Keys of an object in the character's column that hold the name."""
LONGEST_NAME = 60
"""Characters of a name; a longer text in the column of the character's describes it."""
DESCRIPTION = re.compile(
    r"(?i:you are|you're|i am|i'm|act as|play as|as an?|role-?play)\b|[Aa]n? (?:[a-z-]+ ){1,9}[a-z-]+"
    r"|.*(?:[。！？；\n]|[a-z]{5}[.!?;] \S)|你(?:是|叫|扮演)|我(?:是|叫)|请?扮演|作为|一(?:个|位|名)",
    re.DOTALL,
)
"""How a shorter one begins that describes it, too."""
PROMPT_LIKE = re.compile(
    rf"{SYSTEM_LIKE.pattern}|prompt|question|query|instruct|input|context|history|^user|human|asked|^line$|greeting"
    r"|previous|preceding|earlier|dialog|utterance|message|(?:^|_)(?:choice|option|hint|fact|evidence)s?(?:_|$)"
    r"|上文|前文|问|問|输入|輸入|提示|指令|对话|對話|选项|候选|线索",
    re.IGNORECASE,
)
REVISED = re.compile(
    r"(?:corrected|revised|edited|improved|better|final|rewritten|polished|fixed)[\s_-]+"
    r"(?:answer|reply|response|output|completion|text|version|line)|correction|rewritten|revised"
    r"|(?:修改|修正|改写|润色|优化|校对)(?:后|过)?的?(?:回答|回复|答案|输出|版本?|台词|内容)?|最终(?:的|版)?(?:回答|回复|答案|台词)",
    re.IGNORECASE,
)
"""A column of replies that somebody has gone over, beside those as they were."""
METADATA = re.compile(
    r"_?(?:(?<!sa)ids?|type|index|len|length|tokens|hash|lang|language|(?<!re)source|(?<!pro)file|name|time"
    r"|(?<!candi)date|url|category|tags?|label|(?<!sub)title|score|role|split|subset|user-agent)$",
    re.IGNORECASE,
)
"""What tells of a row, at the end of a column's name; but a profile, a subtitle or what was said is no such thing."""


def rename(row: Row, columns: Mapping[str, str]) -> Row:
    """The row under the names that the formats know.

    Args:
        columns: meaning → the row's column, or several joined by `+`, whose texts are then joined by a newline.

    Raises:
        RowError: a column is not there, or two columns mean the same.
    """
    parts = {name.strip() for named in columns.values() for name in named.split("+")}
    row = _with_name(_with_parts(_unwrapped(row), parts))
    renamed: Row = {}
    taken: set[str] = set()
    for meaning, named in columns.items():
        target = lookup(MEANINGS, meaning, "meaning of a column")
        names = [name.strip() for name in named.split("+")]
        if missing := [name for name in names if name not in row]:
            if meaning == "ignore":
                continue
            raise ColumnsError(
                "it has no column '{name}' (data.columns); it has {names}",
                name=missing[0],
                names=", ".join(map(str, row)),
            )
        taken.update(names)
        if meaning != "ignore":
            values = [row[name] for name in names]
            renamed[target] = values[0] if len(values) == 1 else _joined(values)
    given = set(renamed)
    source = next((source for source, target in TRANSLATIONS if source in row and target in row), None)
    if any(canonical(column) in PROMPTS for column in row):
        source = None
    for column, value in row.items():
        is_count = isinstance(value, int | float) and canonical(column) in TALKS
        name = "instruction" if column == source else column if is_count else canonical(column)
        if column in taken or (name in given and name != column):
            if column not in taken:
                renamed[column] = value
            continue
        if name in renamed:
            both = ", ".join(str(each) for each in row if canonical(each) == name)
            raise RowError(
                "two of its columns mean {name} ({both}): say what they are with --data.columns, as in "
                "prompt=COLUMN,ignore=COLUMN",
                name=name,
                both=both,
            )
        several = column == "generated" and isinstance(value, list) and value
        renamed[name] = value[0] if several else value  # RoleBench's answers, of which the first is taken
    return {name: "" if _is_missing(name, value) else value for name, value in renamed.items()}


def _with_parts(row: Row, names: Set[str]) -> Row:
    """A row with columns for what the user names within others: `meta.persona` of `meta: {"persona": …}`."""
    for name in names - row.keys():
        outer, _, inner = name.partition(".")
        if isinstance(value := row.get(outer), dict) and inner in value:
            row = {**row, outer: {key: part for key, part in value.items() if key != inner}, name: value[inner]}
    return row


def _with_name(row: Row) -> Row:
    """A row with the character's name where it has an object: `character: {"name": "Mara", "persona": …}`."""
    objects = (name for name, value in row.items() if isinstance(value, dict))
    column = next((name for name in objects if canonical(name) == "character"), None)
    if column is None:
        return row
    card = row[column]
    key = next((key for key in CARD_NAMES if isinstance(card.get(key), str)), None)
    others = {name: value for name, value in row.items() if name != column}
    others |= {f"{column}.{each}": part for each, part in card.items() if each != key}
    return others if key is None else {**others, column: card[key]}


def _is_missing(column: str, value: Any) -> bool:
    """Whether a text of those spoken is what a program writes for an empty cell, or a person for no input."""
    if column not in SPOKEN or not isinstance(value, str):
        return False
    text = value.strip()
    is_nothing = column in ("input", "system") and NOTHING.fullmatch(text) is not None
    return is_nothing or text in MISSING or NO_INPUT.fullmatch(text) is not None


def _unwrapped(row: Row) -> Row:
    """A row whose messages lie within an object: a logged request, a chat of Open WebUI's, a line of a batch."""
    if len(row) == 1 and isinstance(alone := next(iter(row.values())), dict) and is_row(alone):
        return alone  # {"data": {…}}
    inside = next((name for name in WRAPPERS if isinstance(row.get(name), dict) and "messages" in row[name]), None)
    if inside is None:
        return row
    wrapper = row[inside]
    params = wrapper.get("params")
    system = wrapper.get("system") or (params.get("system") if isinstance(params, dict) else None)
    outside = {column: value for column, value in row.items() if column != inside}
    return {**outside, **({"system": system} if system else {}), "messages": wrapper["messages"]}


def character_of(row: Row) -> str | None:
    """The name of the character that a row (as `rename` gives it) names; None where it names none or describes it."""
    name = row.get("character")
    return name if isinstance(name, str) and name.strip() and not _describes(name) else None


def _describes(character: str) -> bool:
    """Whether a text in the column of the character's is no name, but tells of it."""
    return len(character) > LONGEST_NAME or DESCRIPTION.match(character.strip()) is not None


def refuse_loss(row: Row, used: Collection[str], turns: Iterable[Turn], given: Iterable[str] = ()) -> list[str]:
    """Refuse a row with a column that looks like a part of the prompt and is not among what is read.

    Args:
        row: a row as `rename` gives it.
        used: the columns that its format reads.
        turns: what was read.
        given: the row's own names of its columns.

    Returns:
        The other columns that hold text and are not read, but for what tells of a row, like an id or a source.

    Raises:
        ColumnsError: there is such a column; the message says how to name its meaning.
    """
    read = "\n".join(turn.text for turn in turns)
    unread = [str(column) for column, value in row.items() if column not in used and _holds_other_text(value, read)]
    lost = next((column for column in unread if _is_prompt_like(column, row.get(column))), None)
    if lost is None and isinstance(row.get("output"), str) and "output" in unread and "chosen" not in used:
        raise ColumnsError(
            "its column '{lost}' looks like a reply and would be lost, as another column holds the conversation: "
            "leave one of them out, as in --data.columns ignore={lost}",
            lost=own_name("output", given),
        )
    revised = next((column for column in unread if REVISED.fullmatch(column)), None)
    if lost is None and revised is not None and "output" in used and any(map(str.isalpha, str(row[revised]))):
        raise ColumnsError(
            "its column '{revised}' looks like the reply in a better version: take it, with --data.columns "
            "reply={revised}, or leave it out: --data.columns ignore={revised}",
            revised=own_name(revised, given),
        )
    character = row.get("character")
    is_named = any(canonical(str(column)) == "character" for column in given)
    if lost is None and is_named and isinstance(character, str) and _describes(character) and character not in read:
        lost = "character"
    unread = [column for column in unread if not METADATA.search(column)]
    if lost is None and unread and "output" in used and not PROMPTS & row.keys():
        lost = unread[0]
    if lost is not None:
        _refuse_lost(lost, row, used, given)
    return [own_name(column, given) for column in unread]


def _refuse_lost(lost: str, row: Row, used: Collection[str], given: Iterable[str]) -> NoReturn:
    """Raises: ColumnsError: a column would be lost; the message says what it may be."""
    is_system = (
        SYSTEM_LIKE.search(lost) or lost == "character" or "instruction" not in used or isinstance(row[lost], dict)
    )
    question = f"{own_name('instruction', given)}+" if not is_system and row.get("instruction") else ""
    parts = row[lost] if isinstance(row[lost], dict) else ()
    part = next((f".{key}" for key in parts if _is_prompt_like(key, None)), "")
    raise ColumnsError(
        "its column '{lost}' looks like a part of the prompt and would be lost: map the columns, as in "
        "--data.columns {meaning}={named}, or leave it out: --data.columns ignore={lost}",
        lost=own_name(lost, given),
        meaning="system" if is_system else "prompt",
        named=question + own_name(lost, given) + part,
    )


def own_name(column: str, given: Iterable[str]) -> str:
    """What a row itself calls a column."""
    return next((str(name) for name in given if canonical(str(name)) == column), column)


def _joined(values: Iterable[Any]) -> str:
    """The texts of several columns, and of the lists in them, one below the other."""
    texts = (text for value in values for text in (value if isinstance(value, list) else [value]))
    return "\n".join(str(text) for text in texts if text)


def _is_prompt_like(column: str, value: Any) -> bool:
    """Whether a column is named like a part of the prompt, or holds an object with such a key."""
    keys = [column, *(map(str, value) if isinstance(value, dict) else ())]
    return column != "output" and any(PROMPT_LIKE.search(key) and not METADATA.search(key) for key in keys)


def _holds_other_text(value: Any, read: str) -> bool:
    """Whether a value holds text that is not among what was read."""
    if isinstance(value, str):
        return bool(value.strip()) and value.strip() not in read
    if isinstance(value, list | dict):
        return any(_holds_other_text(each, read) for each in (value.values() if isinstance(value, dict) else value))
    return False
