"""Rows (plain dicts) from the files that people keep them in: JSON, JSONL, CSV, TSV, Excel, Parquet, Arrow.

    for origin, row in read_rows(Path("lines.jsonl")): ...

A reader is a generator `(path, bad) -> (Origin, row)…` and an entry in `READERS`. It hands a row that it
cannot read to `bad` and goes on; only a file that is broken as a whole is an error. The number in an Origin
counts lines in JSONL, CSV and TSV (packed as gz or zst, too), and rows in JSON, Excel, Parquet and Arrow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from offbook.core.errors import UsageError
from offbook.core.i18n import marked, translate
from offbook.core.progress import fill
from offbook.core.shell import offbook_command
from offbook.core.types import Origin
from offbook.data import cell_lists, columnar, data_cards, delimited, downloads, splits, spreadsheet
from offbook.data.encoding import open_text, read_text, readable
from offbook.data.strict_json import JsonError, JsonText, is_whole
from offbook.data.unpacking import open_bytes, unpacked_name

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used, and why."""

    origin: Origin
    reason: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.reason}"


OnBad = Callable[[BadRow], None]


def stop(bad: BadRow) -> NoReturn:
    """The strict answer to a bad row.

    Raises:
        UsageError: always; file, line and reason are named.
    """
    raise UsageError(str(bad), "Fix that row, or leave bad rows out: --data.on_error skip")


def read_rows(path: Path, bad: OnBad = stop) -> Iterator[tuple[Origin, Row]]:
    """The file's rows in their order, streamed where the format allows it.

    Args:
        bad: called with each row that cannot be read; reading goes on if it returns.

    Raises:
        UsageError: the file is missing, is of no known kind, or is broken as a whole (with its position).
    """
    with readable(path):
        reader = READERS[_kind(path)]
        yield from reader(path, bad)


def data_files(path: Path) -> list[Path]:
    """The file itself, or a folder's files of rows in the order of their names (as a hub data set has them).

    Where files or folders are named after their split, only those of the training split are taken, or, where none is
    called so, those that are not named after another one (test, dev, valid, …). A README may name others.

    Raises:
        UsageError: the folder holds no such file.
    """
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.rglob("*") if _is_data(file.relative_to(path)))
    if not files:
        raise UsageError(
            "{path} holds no file of rows",
            "It should hold one of: {suffixes}.",
            path=path,
            suffixes=", ".join(SUFFIXES),
        )
    named = data_cards.named_for_training(path, files)
    return named or splits.for_training(files, lambda file: str(file.relative_to(path)))


def refuse_no_rows(path: Path) -> None:
    """See that a file, or the first one of a folder, looks like one of rows; what reading uses up is left alone.

    Raises:
        UsageError: it is missing, empty, or something else.
    """
    first = data_files(path)[0]
    if path.is_file() and not path.stat().st_size:
        raise UsageError("{path} is empty", "Is it the right file?", path=path)
    if first.is_file() or not first.exists():
        with readable(first):
            _kind(first)


def _is_data(inside: Path) -> bool:
    hidden = any(part.startswith((".", "~$")) for part in inside.parts)  # or what Excel keeps beside an open file
    return _suffix(inside) in SUFFIXES and not hidden and inside.name not in HUB_METADATA


def _kind(path: Path) -> str:
    """The key in READERS: from the suffix, and where that does not settle it, from the content."""
    kind = SUFFIXES.get(_suffix(path))
    if kind is not None:
        downloads.refuse_page(path)
    with open_bytes(path) as file:
        if file.read(4) == b"PAR1":
            return "parquet"
    if path.suffix.lower() in FOR_PEOPLE:
        raise UsageError(
            "{path} is {named}, and rows are JSON, JSONL, CSV, TSV, Parquet or Arrow",
            "Save the same lists as JSON, for example in Python: json.dump(rows, file, ensure_ascii=False)",
            path=path,
            named=FOR_PEOPLE[path.suffix.lower()],
        )
    is_text = kind != "csv" or path.suffix.lower() not in spreadsheet.SUFFIXES
    if kind in ("parquet", "arrow") or not is_text:
        return str(kind)
    lines = (text.strip() for _, text in open_text(path) if not FENCE.fullmatch(text))
    first = next((text for text in lines if text), "")
    if kind == "csv" and not OBJECT_START.match(first):
        return kind
    if first.startswith("["):
        return "jsonl" if kind == "jsonl" and any(lines) and is_whole(first) else "json"
    if first.startswith("{"):
        followed = any(lines)
        is_open = followed and first == "{"  # one object over several lines
        return "jsonl" if (kind == "jsonl" and not is_open) or (followed and is_whole(first)) else "json"
    if kind in (None, "json") and not first:
        raise UsageError(
            "{path} is empty",
            "Is it the right file?",
            path=path,
        )
    if kind is None and not delimited.is_table(path):
        raise UsageError(
            "{path} holds no rows but prose, a script or a chat log: it is not JSON, JSONL, CSV, TSV or Parquet",
            "See who speaks: {listing}; then make rows of it, and train on them: {extraction}",
            path=path,
            listing=offbook_command("extract", path, "--list"),
            extraction=offbook_command("extract", path, "--role", "NAME", "--out", "rows.jsonl"),
        )
    return kind or "csv"


def _suffix(path: Path) -> str:
    """The suffix that tells the kind, in lower case: `.jsonl` of `lines.jsonl.gz`."""
    return Path(unpacked_name(path)).suffix.lower()


def is_table(path: Path) -> bool:
    """Whether a file, by its name, is a table whose cells are texts, as spreadsheets save it."""
    return SUFFIXES.get(_suffix(path)) == "csv"


def _read_json(path: Path, bad: OnBad) -> Iterator[tuple[Origin, Row]]:
    """One list of objects, or an object that wraps it, or one object that is the only row."""
    try:
        for number, (value, fault) in enumerate(JsonText(FENCE.sub("", read_text(path))).rows(), 1):
            yield from _as_row(value, str(fault) if fault else None, Origin(str(path), number), bad)
    except JsonError as error:
        raise UsageError(
            "{path}, {error}",
            "Fix the file there.",
            path=path,
            error=error,
        ) from None


def _read_jsonl(path: Path, bad: OnBad) -> Iterator[tuple[Origin, Row]]:
    for number, text in open_text(path):
        if not text.strip() or FENCE.fullmatch(text):
            continue
        origin = Origin(str(path), number)
        values: list[tuple[Any, JsonError | None]]
        try:
            values = list(JsonText(LIST_COMMA.sub("", text)).values())
        except JsonError as error:
            values = [(None, error)]
        for value, fault in values:  # several where files were joined without a line break
            at = {"column": fault.column, "reason": fault.reason} if fault else None
            reason = fill(marked("column {column}: {reason}"), at) if at else None
            yield from _as_row(value, reason, origin, bad)


def _as_row(value: Any, reason: str | None, origin: Origin, bad: OnBad) -> Iterator[tuple[Origin, Row]]:
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):  # an object that was written as a text
        with suppress(JsonError):
            value, fault = JsonText(value).value()
            reason = reason or (str(fault) if fault else None)
    while isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):  # a file of Qianfan's in one line
        value = value[0]
    if isinstance(value, list) and value and (all(map(_is_turn, value)) or all(map(_is_pair_of_role, value))):
        value = {"messages": value}
    if reason is None and isinstance(value, dict):
        if _letters(value) > columnar.LONGEST_ROW:
            limit = {"limit": columnar.LONGEST_ROW}
            bad(BadRow(origin, fill(marked("longer than any conversation: more than {limit:,} characters"), limit)))
        else:
            yield origin, value
    else:
        is_pair = isinstance(value, list) and len(value) > 1 and all(isinstance(part, str) for part in value)
        advice = marked('a list of {count} texts: write which is which, as in {{"prompt": "…", "reply": "…"}}')
        why = (
            fill(advice, {"count": len(value)})
            if is_pair
            else fill(marked("not an object but {kind}"), {"kind": kind_of(value)})
        )
        bad(BadRow(origin, reason or why))


def _is_turn(value: Any) -> bool:
    return isinstance(value, dict) and any(keys <= value.keys() for keys in TURN_KEYS)


def _is_pair_of_role(value: Any) -> bool:
    """Whether a list is a turn: a role and its text."""
    return isinstance(value, list) and len(value) == 2 and value[0] in ("system", "user", "assistant", "human", "gpt")


def _letters(value: Any) -> int:
    """Characters of all texts in a value."""
    if isinstance(value, str):
        return len(value)
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(_letters, parts))


def _read_csv(path: Path, bad: OnBad) -> Iterator[tuple[Origin, Row]]:
    """A table with a header line."""
    for line, row in delimited.table_rows(path):
        origin = Origin(str(path), line)
        if isinstance(row, str):
            bad(BadRow(origin, row))
        else:
            yield from _as_row({name: cell_lists.cell(text) for name, text in row.items()}, None, origin, bad)


def _read_columns(rows: Callable[[Path], Iterator[Row]]) -> Callable[[Path, OnBad], Iterator[tuple[Origin, Row]]]:
    """A reader of one of the formats of `columnar`."""

    def read(path: Path, bad: OnBad) -> Iterator[tuple[Origin, Row]]:
        for number, row in enumerate(rows(path), 1):
            yield from _as_row(row, None, Origin(str(path), number), bad)

    return read


def kind_of(value: Any) -> str:
    """What a value is, in a person's words."""
    names = {
        bool: marked("true or false"),
        int: marked("a number"),
        float: marked("a number"),
        str: marked("text"),
        list: marked("a list"),
        dict: marked("an object"),
        type(None): marked("nothing"),
    }
    return translate(names.get(type(value), type(value).__name__))


READERS: dict[str, Callable[[Path, OnBad], Iterator[tuple[Origin, Row]]]] = {
    "json": _read_json,
    "jsonl": _read_jsonl,
    "csv": _read_csv,
    "parquet": _read_columns(columnar.parquet_rows),
    "arrow": _read_columns(columnar.arrow_rows),
}
SUFFIXES = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".xlsx": "csv",
    ".xlsm": "csv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
}
FOR_PEOPLE = {".yaml": "YAML", ".yml": "YAML", ".toml": "TOML"}
"""Suffixes of formats that hold no rows by themselves, but lists that may be."""
OBJECT_START = re.compile(r'\[?\s*\{\s*(?:"|$)|\[$')
"""How JSON begins that holds rows, whatever the file is called."""
FENCE = re.compile(r"^[ \t]*```[ \t]*\w*[ \t]*$", re.MULTILINE)
"""What stands above and below JSON in the answer of a model, which writes Markdown."""
LIST_COMMA = re.compile(r",\s*\Z")
"""What stands behind a line that was cut out of a list."""
TURN_KEYS = ({"role"}, {"from"}, {"prompt", "response"})
"""Some of these are in each turn of a list that is a row by itself."""
HUB_METADATA = {"dataset_infos.json", "dataset_info.json", "configuration.json", "state.json", "dataset_dict.json"}
