"""Rows that are understood and not learned: what other characters say, and what is held back for a test."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

from offbook.core.errors import UsageError
from offbook.core.i18n import marked
from offbook.core.text import normalize
from offbook.data import splits
from offbook.data.column_names import CANONICAL, canonical
from offbook.data.columns import LONGEST_NAME, character_of, own_name
from offbook.data.dialogues import OF_OTHERS
from offbook.data.json_tables import OBJECT_KEY
from offbook.data.row_values import ROLES, RowError, list_of
from offbook.data.sources import Row
from offbook.data.spreadsheet import SHEET
from offbook.data.turn_lists import assistants_of

TURNS = ("messages", "conversations", "conversation", "dialogue")
"""Columns that hold messages, whose `name` may tell the character's."""
PEOPLE = re.compile(
    rf"(?:{OBJECT_KEY}|{SHEET}|name|who|speaker|responder|respondent|replier|answerer|actor|(?:bot|char|character|role)_id|姓名|人名|说话人|说话者|回答者|回复者)",
    re.IGNORECASE,
)
"""Columns beside a prompt and a reply that may name who answers, or somebody else."""
ENDS = re.compile(r"from|to|by|sender|recipient|receiver|addressee|发送者|接收者|发送人|接收人|对象", re.IGNORECASE)
"""Columns that may name who answers where the character's name is in them; else they may hold a website's, say."""
CAST = re.compile(r"characters|cast|character_names|人物列表|角色列表", re.IGNORECASE)
"""Columns that list who takes part, of whom one answers."""
BETWEEN = re.compile(r"\s*(?:[,，、;；/&|]|\band\b|和)\s*")
"""What stands between names in a cell."""
NAMES_SHOWN = 3
HELD_BACK = marked("rows are held back for a test")


class Belonging(NamedTuple):
    """Whose row it is, and whether it is of a part of a data set that is not for training."""

    character: str | None
    is_held_back: bool
    is_named_in_turns: bool = False
    """Whether its messages name the character, and no column does."""
    column: str = "character"
    """What the row calls the column that names the character."""
    is_unnamed: bool = False
    """Whether the row has that column and nothing in it."""
    cells: Mapping[str, str] = {}
    """Short texts beside what is said, by their columns, which may name who answers where nothing else does."""


def belonging_of(row: Row, given: Sequence[str] = ()) -> Belonging:
    """Where a row belongs, as it says itself.

    Args:
        row: a row as `columns.rename` gives it.
        given: the row's own names of its columns.
    """
    is_held_back = any(splits.is_held_back(str(column), row[column]) for column in row)
    if (character := character_of(row)) is not None and character.strip().lower() not in ROLES:
        return Belonging(character, is_held_back, column=own_name("character", given))
    if (nested := _nested_name(row)) is not None:
        return Belonging(nested[1], is_held_back, column=nested[0])
    names = [name for column in TURNS for name in assistants_of(_listed(row.get(column), column))]
    if names:
        return Belonging(names[0] if len(names) == 1 else None, is_held_back, len(names) == 1)
    cells = {column: text for column, text in _with_nested(row) if column not in CANONICAL and _is_name(text)}
    is_unnamed = "character" in row and not str(row["character"] or "").strip()
    return Belonging(None, is_held_back, False, own_name("character", given), is_unnamed, cells)


def _with_nested(row: Row) -> Iterator[tuple[str, Any]]:
    """A row's columns and what is in them, and those within columns that hold an object: `meta.speaker`."""
    for column, value in row.items():
        yield column, value
        if isinstance(value, dict) and column not in CANONICAL:  # a name in it may be a model's or a tool's
            yield from ((f"{column}.{key}", part) for key, part in value.items() if key != "name")


def _nested_name(row: Row) -> tuple[str, str] | None:
    """The column that names a row's character within it, as `meta: {"character": "Mara"}`, and the name; or None."""
    for column, value in row.items():
        if isinstance(value, dict) and column not in CANONICAL:
            names = [name for name in (character_of({canonical(key): value[key]}) for key in value) if name]
        else:
            names = _cast(value) if CAST.fullmatch(column) else []
        if names and all(map(_is_name, names)):
            return column, ", ".join(names)
    return None


def _cast(value: Any) -> list[Any]:
    """The names in a column that lists who takes part."""
    return value if isinstance(value, list) else BETWEEN.split(value.strip()) if isinstance(value, str) else []


def _is_of(row_character: str, character: str) -> bool:
    """Whether a row names a character, alone or among others who take part."""
    names = (row_character, *row_character.split(", "))
    return any(normalize(name) == normalize(character) for name in names)


def _listed(value: Any, column: str) -> list[Any]:
    """The messages in a column, in a table's cell as JSON; none where it holds none."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        with suppress(RowError):
            return list_of(value, column)
    return value if isinstance(value, list) else []


@lru_cache(1024)
def _is_of_people(column: str) -> bool:
    return PEOPLE.fullmatch(str(column).strip().rpartition(".")[2]) is not None


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= LONGEST_NAME and value.strip().lower() not in ROLES


def are_told_apart(rows: Sequence[Belonging], systems: Sequence[str | None]) -> bool:
    """Whether each row has a system prompt, and none is that of two characters.

    Args:
        rows: where the rows belong.
        systems: their own system prompts.
    """
    whose: dict[str, str] = {}
    for row, system in zip(rows, systems, strict=True):
        name = normalize(row.character or " ".join(text for column, text in row.cells.items() if _is_of_people(column)))
        if not system or (name and whose.setdefault(system, name) != name):
            return False
    return True


def left_out(rows: Sequence[Belonging], character: str | None, are_told_apart: bool) -> list[str | None]:
    """For each row why it is not learned, if it is not: it is held back, or another character's; never all of them.

    Args:
        rows: where they belong.
        character: whose rows are learned, if it is known.
        are_told_apart: whether the system prompts tell one character from the other.

    Raises:
        UsageError: the rows are of several characters, of whom none is called so; or nothing says which one is learned.
    """
    if not are_told_apart:
        _refuse_several(rows, character)
    if not are_told_apart or character is not None:
        _refuse_unknown_people(rows, character)
    if not are_told_apart:
        _refuse_unnamed(rows)
    others = of_others([row.character for row in rows], character, are_told_apart)
    are_all_held_back = all(row.is_held_back for row in rows)
    return [
        HELD_BACK if row.is_held_back and not are_all_held_back else OF_OTHERS if is_others else None
        for row, is_others in zip(rows, others, strict=True)
    ]


def _refuse_several(rows: Sequence[Belonging], character: str | None) -> None:
    """Raises: UsageError: the rows are of several characters, and nobody has said whose are learned."""
    names = {normalize(row.character): row for row in rows if row.character}
    if character is not None or len(names) < 2:
        return
    first = next(iter(names.values()))
    shown = ", ".join([str(row.character) for row in names.values()][:NAMES_SHOWN])
    if first.is_named_in_turns:
        raise UsageError(
            "the replies are by {count} characters (name: {names})",
            "Say whose are learned with --persona.name. If they are all one character's, give them one name.",
            count=len(names),
            names=shown,
        )
    raise UsageError(
        "the rows are of {count} characters ({column}: {names}…)",
        "Say whose are learned with --persona.name. If they are all one character's, leave the column out: "
        "--data.columns ignore={column}",
        count=len(names),
        names=shown,
        column=first.column,
    )


def _refuse_unnamed(rows: Sequence[Belonging]) -> None:
    """Raises: UsageError: some rows name nobody, and others several: a name may stand above the rows that share it."""
    unnamed = [row for row in rows if row.is_unnamed]
    if unnamed and len({normalize(row.character) for row in rows if row.character}) > 1:
        raise UsageError(
            "{count} rows have nothing in the column '{column}', and others name several characters there",
            "Write the character's name into each of its rows (in Excel: fill down).",
            count=len(unnamed),
            column=unnamed[0].column,
        )


def _refuse_unknown_people(rows: Sequence[Belonging], character: str | None) -> None:
    """Refuse a column with several people in it, who may be those who answer.

    Raises:
        UsageError: there is one: of whatever name, where the character's is among others that recur in it; or one that
            is called so, with the character's name among them or, where that is not known, names that recur.
    """
    columns: dict[str, list[str]] = {}
    for row in rows:
        for column, text in row.cells.items():
            columns.setdefault(column, []).append(text.strip())
    for column, values in columns.items():
        names = {normalize(name): name for name in values}
        if column == OBJECT_KEY and len(names) > 1:
            _refuse_keys(list(names.values()), column)
        is_recurring, is_of_people = 2 * len(names) <= len(values), _is_of_people(column)
        is_end = ENDS.fullmatch(column.strip()) is not None
        is_likely = is_recurring and is_of_people if character is None else is_recurring or is_of_people or is_end
        if len(names) > 1 and is_likely and (character is None or normalize(character) in names):
            if column == SHEET:
                _refuse_keys(list(names.values()), column)
            raise UsageError(
                "the column '{column}' names {count} people ({names}…), and nothing says whether they are who answers",
                "If they are: --data.columns character={column}, and --persona.name for whose replies are learned. "
                "If not, leave it out: --data.columns ignore={column}",
                column=column,
                count=len(names),
                names=", ".join(list(names.values())[:NAMES_SHOWN]),
            )


def _refuse_keys(names: Sequence[str], column: str) -> NoReturn:
    """Raises: UsageError: always; the rows stood under words, of an object or of sheets, which may be who answers."""
    raise UsageError(
        marked("the rows stand on {count} sheets ({names}…), and nothing says whether they are who answers")
        if column == SHEET
        else marked("the rows stand under {count} names ({names}…), and nothing says whether they are who answers"),
        "If they are: --data.columns character={column}, and --persona.name for whose replies are learned. "
        "If not, leave them out: --data.columns ignore={column}",
        column=column,
        count=len(names),
        names=", ".join(names[:NAMES_SHOWN]),
    )


def of_others(row_characters: Sequence[str | None], character: str | None, are_told_apart: bool) -> list[bool]:
    """Which rows are another character's, of a data set that has the character's own.

    Args:
        row_characters: whom each row names as its character, if it names one.
        character: the character's name.
        are_told_apart: whether each row has a system prompt, which may be another one for each character.

    Raises:
        UsageError: the rows are of several characters, of whom none is called so.
    """
    names = {normalize(row_character): row_character for row_character in row_characters if row_character}
    if character is None or len(names) < 2:  # one name may be another one of the character's
        return [False] * len(row_characters)
    if not any(_is_of(name, character) for name in names.values()):
        if are_told_apart:
            return [False] * len(row_characters)
        shown = ", ".join(list(names.values())[:NAMES_SHOWN])
        raise UsageError(
            "the rows are of {count} characters ({names}…), and none is called '{character}'",
            "Say whose are learned with --persona.name, or leave the column out that names them: "
            "--data.columns ignore=COLUMN",
            count=len(names),
            names=shown,
            character=character,
        )
    return [bool(row_character) and not _is_of(str(row_character), character) for row_character in row_characters]
