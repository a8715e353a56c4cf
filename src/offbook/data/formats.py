"""What a row means: one function for each format of rows, and an entry in `FORMATS`.

    loaded = load([Path("lines.jsonl")])
    loaded.conversations, loaded.skipped

Texts are taken as they stand, spaces and all. Two turns in a row by the same speaker become one, joined by
a newline; a user's turn or a system prompt without text is left out; a reply without text makes the row bad.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

from offbook.core.errors import UsageError
from offbook.core.registry import lookup, nearest
from offbook.core.types import Conversation, Origin, Role, Turn
from offbook.data.sources import BadRow, Row, data_files, kind_of, read_rows, stop

ROLES: dict[str, Role] = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("user", "human", "observation", "tool"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "model", "bot", "bing", "bard", "function_call"), "assistant"),
}
"""Every spelling of a speaker's role."""

COLUMNS = {
    **dict.fromkeys(("问题", "提问", "指令"), "instruction"),
    "输入": "input",
    **dict.fromkeys(("回答", "答案", "回复", "输出"), "output"),
}
"""Chinese names that a table's columns have, and what they mean."""
NEEDED = (
    "A row has instruction (what is said to the character) and output (what it answers), "
    "or conversations (as ShareGPT has it), or messages (as OpenAI has it): see docs/data.md."
)

Spoken = Iterable[Turn]


class RowError(Exception):
    """Why a row cannot become a conversation."""


class ColumnsError(RowError):
    """The row's columns are those of no format."""


class Format(NamedTuple):
    """A way to write rows."""

    columns: frozenset[str]
    """A row that has one of these is taken to be of this format."""
    read: Callable[[Row], Spoken]
    """What is said in a row, in order. Raises RowError."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the files hold."""

    conversations: list[Conversation]
    skipped: list[BadRow]


def load(paths: Sequence[Path], format: str = "auto", on_error: str = "stop") -> Loaded:
    """The conversations of all files (or folders of files), in order.

    Args:
        format: a key of FORMATS, or `auto`: each row tells by its columns.
        on_error: `skip` leaves bad rows out and reports them in `skipped`; `stop` refuses them.

    Raises:
        UsageError: a file cannot be read, a row is bad (and is not to be skipped), or no good row is there.
    """
    known = None if format == "auto" else lookup({"auto": None, **FORMATS}, format, "data format")
    conversations: list[Conversation] = []
    skipped: list[BadRow] = []
    for file in [file for path in paths for file in data_files(path)]:
        good, bad = _read(file, known, on_error)
        conversations += good
        skipped += bad
    if skipped and on_error == "stop":
        _refuse(skipped)
    if not conversations:
        why = f"; the first: {skipped[0]}" if skipped else ""
        raise UsageError(f"no usable row in {', '.join(map(str, paths))}{why}", NEEDED)
    return Loaded(conversations, skipped)


def _read(file: Path, format: Format | None, on_error: str) -> tuple[list[Conversation], list[BadRow]]:
    """The good and the bad rows of a file.

    Raises:
        UsageError: it cannot be read, or (unless bad rows are skipped) every row's columns are those of no format.
    """
    good: list[Conversation] = []
    bad: list[BadRow] = []
    strange: list[ColumnsError] = []
    for origin, row in read_rows(file, bad.append):
        try:
            good.append(to_conversation(row, origin, format))
        except RowError as error:
            strange += [error] if isinstance(error, ColumnsError) else []
            bad.append(BadRow(origin, f"{error} ({_excerpt(row)})"))
    if strange and not good and len(strange) == len(bad) and on_error == "stop":
        raise UsageError(f"{file}: {strange[0]}", f"Rename them, in a table in its first line. {NEEDED}")
    return good, bad


def to_conversation(row: Row, origin: Origin, format: Format | None = None) -> Conversation:
    """The conversation in a row, with the scene that the row names; `format` None: told by its columns.

    Raises:
        RowError: there is none in it.
    """
    row = _in_english(row)
    turns = _join((format or detect(row)).read(row))
    if not turns or turns[-1].role != "assistant" or not turns[-1].weight:
        raise RowError("it does not end with a reply of the character's")
    scene = _scene(row)
    return Conversation(turns, origin if scene is None else replace(origin, scene=scene))


def detect(row: Row) -> Format:
    """The format whose columns the row has.

    Raises:
        ColumnsError: none; the row's own columns are named.
    """
    for format in FORMATS.values():
        if format.columns & row.keys():
            return format
    known = sorted(column for format in FORMATS.values() for column in format.columns)
    hint = next((hint for key in row if (hint := nearest(str(key), known))), "")
    columns = ", ".join(map(str, row)) or "none"
    raise ColumnsError(f"its columns ({columns[:80]}) are those of no format ({', '.join(FORMATS)}){hint}")


def _in_english(row: Row) -> Row:
    """The row with its Chinese columns renamed."""
    if not COLUMNS.keys() & row.keys():
        return row
    names = [COLUMNS.get(column, column) for column in row]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise RowError(f"two of its columns mean {repeated} ({', '.join(map(str, row))})")
    return dict(zip(names, row.values(), strict=True))


def alpaca(row: Row) -> Spoken:
    """instruction, input, output, and perhaps system and history (pairs of question and answer)."""
    yield Turn("system", _text(row.get("system") or "", "system"))
    for number, pair in enumerate(_list(row.get("history") or [], "history"), 1):
        said, answer = pair if isinstance(pair, list) and len(pair) == 2 else (None, None)
        yield Turn("user", _text(said, f"the question of history pair {number}"))
        yield Turn("assistant", _text(answer, f"the answer of history pair {number}"))
    parts = [_text(row.get(column) or "", column) for column in ("instruction", "input")]
    yield Turn("user", "\n".join(part for part in parts if part.strip()))
    yield Turn("assistant", _text(row.get("output"), "output"))


def sharegpt(row: Row) -> Spoken:
    """conversations: a list of {from, value}, and perhaps system."""
    return _turns(row, "conversations")


def messages(row: Row) -> Spoken:
    """messages: a list of {role, content} as OpenAI has it; content is text or a list of text parts. An assistant's
    message with `weight` 0 is read and not learned, as in OpenAI's fine-tuning format."""
    return _turns(row, "messages")


def _turns(row: Row, column: str) -> Spoken:
    yield Turn("system", _text(row.get("system") or "", "system"))
    for number, turn in enumerate(_list(row.get(column), column), 1):
        if not isinstance(turn, dict):
            raise RowError(f"turn {number} is not an object but {kind_of(turn)}")
        speaker = turn.get("role", turn.get("from"))
        role = ROLES.get(speaker.lower()) if isinstance(speaker, str) else None
        if role is None:
            raise RowError(f"turn {number} is by '{speaker}', known are {', '.join(ROLES)}")
        text = _content(turn.get("content", turn.get("value")), f"the text of turn {number}")
        yield Turn(role, text, weight=float(turn.get("weight") != 0))


def _content(value: Any, name: str) -> str:
    if not isinstance(value, list):
        return _text(value, name)
    for part in value:
        if not isinstance(part, dict) or part.get("type") != "text":
            raise RowError(f"{name} holds something other than text")
    return "".join(_text(part.get("text"), name) for part in value)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise RowError(f"{name} is not text but {kind_of(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise RowError(f"{name} holds half a character (an unpaired surrogate)") from None
    return value


def _list(value: Any, name: str) -> list[Any]:
    """A list; in a table's cell it is written as JSON."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise RowError(f"{name} is text, and no JSON list in it") from None
    if not isinstance(value, list):
        raise RowError(f"{name} is not a list but {kind_of(value)}")
    return value


def _join(spoken: Spoken) -> tuple[Turn, ...]:
    """Turns whose roles alternate after the system prompt."""
    turns: list[Turn] = []
    for turn in spoken:
        if not turn.text.strip():
            if turn.role == "assistant":
                raise RowError("a reply of the character's is empty")
            continue
        if turns and turns[-1].role == turn.role:
            if turns[-1].weight != turn.weight:
                raise RowError("of two replies in a row, one is to be learned and one is not")
            turns[-1] = replace(turns[-1], text=f"{turns[-1].text}\n{turn.text}")
        elif turn.role == "system" and turns:
            raise RowError("a system prompt stands in the middle of the conversation")
        else:
            turns.append(turn)
    return tuple(turns)


def _scene(row: Row) -> str | None:
    """The scene of an extracted row (`source: {file, scene}`), with the file's name; or a column `scene`."""
    source = row.get("source")
    named = source if isinstance(source, dict) else row
    scene = named.get("scene")
    if not isinstance(scene, str | int) or scene == "":
        return None
    file = named.get("file")
    # The name alone: a scene is the same one wherever the file lies.
    return f"{PureWindowsPath(file).name}: {scene}" if isinstance(file, str) else str(scene)


def _excerpt(row: Row) -> str:
    text = json.dumps(row, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _refuse(skipped: list[BadRow]) -> None:
    first, others = skipped[0], len(skipped) - 1
    more = f"; {others} more {'row is' if others == 1 else 'rows are'} bad" if others else ""
    stop(BadRow(first.origin, first.reason + more))


FORMATS = {
    "messages": Format(frozenset({"messages"}), messages),
    "sharegpt": Format(frozenset({"conversations"}), sharegpt),
    "alpaca": Format(frozenset({"instruction", "output"}), alpaca),
}
