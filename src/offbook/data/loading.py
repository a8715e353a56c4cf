"""From files of rows to conversations.

    loaded = load([Path("lines.jsonl")])
    loaded.conversations, loaded.skipped, loaded.left_out

Texts are taken as they stand, spaces and all. Two turns in a row by the same speaker become one, joined by
a newline; a user's turn or a system prompt without text is left out; a reply without text makes the row bad.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PureWindowsPath

from offbook.core.errors import UsageError
from offbook.core.i18n import marked, translate
from offbook.core.progress import fill
from offbook.core.registry import lookup
from offbook.core.shell import offbook_command
from offbook.core.types import Conversation, Origin, Turn
from offbook.data import columns, exclusions, labels, named_files, placeholders, table_notes, verdicts
from offbook.data.exclusions import Belonging
from offbook.data.formats import FORMATS, Format, detect, reply_in
from offbook.data.joining import heard, is_learned, join
from offbook.data.other_sets import other_set, refuse_chat
from offbook.data.row_values import ColumnsError, LeftOut, NotTextError, RowError
from offbook.data.sources import BadRow, Row, data_files, is_table, read_rows, stop
from offbook.data.unspoken import PICTURE, without_thoughts

NEEDED = marked(
    "A row has instruction (what is said to the character) and output (what it answers), "
    "or conversations (as ShareGPT has it), or messages (as OpenAI has it), or its columns are named: "
    "--data.columns prompt=COLUMN,reply=COLUMN. See docs/data.md. "
    "Lines with their speakers' names are for offbook extract."
)
IN_FOLDER = marked("If it holds no rows, take it out of the folder, or name the files of rows themselves. {needed}")
OWN_COLUMNS = frozenset({"character", "scene", "source", "confidence", "label", "kto_tag", "rejected"})
"""Columns that are read in a row of any format."""


class NoRowsError(UsageError):
    """No row of a file has the columns of any format.

    Args:
        file: the file.
        strange: what is said of the first row.
        are_others: whether it is one of several files in a folder.
    """

    def __init__(self, file: Path, strange: ColumnsError, are_others: bool = False) -> None:
        self.file = file
        self.strange = strange
        super().__init__(
            marked("{file}: {strange}"),
            marked("See who speaks: {listing}; then make rows of it, and train on them: {extraction}")
            if strange.is_chat
            else IN_FOLDER
            if are_others
            else marked("Rename them, in a table in its first line. {needed}"),
            file=file,
            strange=strange,
            needed=translate(NEEDED),
            listing=offbook_command("extract", file, "--list"),
            extraction=offbook_command("extract", file, "--role", "NAME", "--out", "rows.jsonl"),
        )


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How rows are read, beyond their format."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """What the user says that columns mean (`data.columns`)."""
    placeholders: Mapping[str, str] = field(default_factory=dict)
    """Placeholder → the text that takes its place (`data.placeholders`)."""
    character: str | None = None
    """Whose lines are the replies in a row whose speakers have names."""
    of_anybody: bool = False
    """Whether the rows may be several characters', of whom none is sought."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the files hold."""

    conversations: list[Conversation]
    skipped: list[BadRow]
    left_out: dict[str, int]
    """Why rows that are understood are not learned → how many."""
    unread: Counter[str] = field(default_factory=Counter)
    """Columns that hold text and are not read → in how many rows."""
    reversed: list[Origin] = field(default_factory=list)
    """Rows in which something is said after the only reply, and nothing before."""
    characters: list[str | None] = field(default_factory=list)
    """Whom each conversation's row names as its character."""


def load(
    paths: Sequence[Path],
    format: str = "auto",
    on_error: str = "stop",
    options: ReadingOptions = ReadingOptions(),
) -> Loaded:
    """The conversations of all files (or folders of files), in order.

    Args:
        paths: files or folders.
        format: a key of FORMATS, or `auto`: each row tells by its columns.
        on_error: `skip` leaves bad rows out and reports them in `skipped`; `stop` refuses them.
        options: names of columns, values of placeholders, the character's name.

    Raises:
        UsageError: a file cannot be read, a row is bad (and is not to be skipped), or no good row is there.
    """
    row_format = None if format == "auto" else lookup({"auto": None, **FORMATS}, format, "data format")
    loaded = Loaded([], [], {})
    belongings: list[Belonging] = []
    for path in paths:
        of_path = data_files(path)
        for file in of_path:
            try:
                belongings += _read(file, row_format, on_error, options, loaded)
            except NoRowsError as error:
                raise NoRowsError(file, error.strange, are_others=len(of_path) > 1) from None
    if loaded.skipped and on_error == "stop":
        _refuse(loaded.skipped)
    _refuse_reversed(loaded)
    if any(path.is_dir() for path in paths) and not options.of_anybody:
        files = [row.origin.file for row in loaded.conversations]
        named_files.refuse_files_of_others(belongings, files, options.character)
    _leave_others_out(loaded, belongings, options)
    labels.refuse_labels(loaded.conversations)
    if not loaded.conversations:
        why = f"; the first: {loaded.skipped[0]}" if loaded.skipped else ""
        why = f"; {next(iter(loaded.left_out))}" if loaded.left_out and not why else why
        raise UsageError("no usable row in {paths}{why}", NEEDED, paths=", ".join(map(str, paths)), why=why)
    return loaded


def _refuse_reversed(loaded: Loaded) -> None:
    """Refuse rows whose sides are swapped: of all of them nothing would be learned but replies to nothing.

    Raises:
        UsageError: they all are so.
    """
    if len(loaded.reversed) > 1 and len(loaded.reversed) == len(loaded.conversations):
        raise UsageError(
            "{origin}: in this row and all others the reply comes first, and nobody answers what is said after it",
            "The two sides seem to be swapped: the character is assistant (gpt), who speaks to it user (human).",
            origin=loaded.reversed[0],
        )


def _leave_others_out(loaded: Loaded, belongings: Sequence[Belonging], options: ReadingOptions) -> None:
    """Leave out the rows of other characters and those held back, where there are others."""
    told_apart = exclusions.are_told_apart(belongings, [row.system for row in loaded.conversations])
    reasons = exclusions.left_out(belongings, options.character, told_apart or options.of_anybody)
    kept = [place for place, why in enumerate(reasons) if why is None]
    loaded.characters.extend(belongings[place].character for place in kept)
    loaded.conversations[:] = [loaded.conversations[place] for place in kept]
    loaded.left_out.update(Counter(translate(why) for why in reasons if why is not None))


def _read(file: Path, format: Format | None, on_error: str, options: ReadingOptions, loaded: Loaded) -> list[Belonging]:
    """Add the rows of a file.

    Returns:
        Where each of them belongs.

    Raises:
        UsageError: it cannot be read, or (unless bad rows are skipped) every row's columns are those of no format.
    """
    bad: list[BadRow] = []
    strange: list[ColumnsError] = []
    belongings: list[Belonging] = []
    in_table = is_table(file)
    for origin, row in read_rows(file, bad.append):
        try:
            table_notes.refuse_notes(row)
            refuse_chat(row)
            named = columns.rename(row, options.columns)
            if in_table:
                table_notes.refuse_unclear(named)
            belonging = exclusions.belonging_of(named, tuple(row))
            loaded.conversations.append(_conversation(named, tuple(row), origin, format, options, loaded))
            belongings.append(belonging)
        except LeftOut as reason:
            loaded.left_out[str(reason)] = loaded.left_out.get(str(reason), 0) + 1
        except RowError as reason:
            error = (None if options.columns else other_set(row)) or reason
            strange += [error] if isinstance(error, ColumnsError) else []
            bad.append(BadRow(origin, f"{error} ({_excerpt(row)})"))
    loaded.skipped.extend(bad)
    if strange and not belongings and len(strange) == len(bad) and on_error == "stop":
        raise NoRowsError(file, strange[0])
    return belongings


def to_conversation(
    row: Row, origin: Origin, format: Format | None = None, options: ReadingOptions = ReadingOptions()
) -> Conversation:
    """The conversation in a row, with the scene that the row names; `format` None: told by its columns.

    Raises:
        LeftOut: the row says that it is not to be learned.
        RowError: there is no conversation in it.
    """
    return _conversation(columns.rename(row, options.columns), tuple(row), origin, format, options, Loaded([], [], {}))


def _conversation(
    row: Row,
    own_names: tuple[str, ...],
    origin: Origin,
    format: Format | None,
    options: ReadingOptions,
    loaded: Loaded,
) -> Conversation:
    """The conversation in a row under the names that the formats know; what is not read of it is noted."""
    verdicts.refuse_marked(row)
    if not isinstance(row.get("character"), str):  # a number, say, names nobody
        row.pop("character", None)
    if options.character is not None:
        row.setdefault("character", options.character)
    row_format = format or detect(row, own_names)
    spoken = _spoken(row, own_names, row_format)
    if format is None:  # who names the format has decided what is read
        read = OWN_COLUMNS.union(row_format.optional, *row_format.columns)
        loaded.unread.update(columns.refuse_loss(row, read, spoken, own_names))
    named = row.get("character")
    if any(turn.role == "user" and PICTURE.search(turn.text) for turn in spoken):
        raise LeftOut("rows are about a picture or a sound")
    filled = placeholders.fill(spoken, options.placeholders)
    turns = join(labels.unlabelled(spoken_part, named) for turn in filled if (spoken_part := heard(turn)) is not None)
    while turns and not is_learned(turns[-1]) and any(map(is_learned, turns)):
        turns = turns[:-1]  # nobody answers it, or nobody learns it
    if not turns or not is_learned(turns[-1]):
        raise RowError("it does not end with a reply of the character's")
    if {turn.role for turn in turns} <= {"system", "assistant"} and any(turn.role == "user" for turn in spoken):
        loaded.reversed.append(origin)
    scene = _scene(row)
    rejected = row.get("rejected")
    return Conversation(
        turns,
        origin if scene is None else replace(origin, scene=scene),
        rejected=None if rejected is None else without_thoughts(reply_in(rejected, "rejected")),
    )


def _spoken(row: Row, own_names: tuple[str, ...], row_format: Format) -> list[Turn]:
    """What a format reads in a row.

    Raises:
        RowError: it cannot; a column is called what the row calls it.
    """
    try:
        return list(row_format.read(row))
    except NotTextError as error:
        own_name = columns.own_name(error.name, own_names)
        if own_name == error.name:
            raise
        raise RowError(
            "its column '{own_name}' is taken for {name}, and is not text but {kind}: if others are meant, name them, "
            "as in --data.columns prompt=COLUMN,reply=COLUMN",
            own_name=own_name,
            name=error.name,
            kind=error.kind,
        ) from None


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
    more = marked("; {count} more row is bad") if others == 1 else marked("; {count} more rows are bad")
    stop(BadRow(first.origin, first.reason + (fill(more, {"count": others}) if others else "")))
