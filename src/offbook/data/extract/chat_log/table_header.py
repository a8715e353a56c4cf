"""What the names of a table's columns tell, and who speaks in a table that names its texts and not its senders."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.resources import files

from offbook.core.patterns import lazy_pattern
from offbook.data.extract.chat_log.lines import NAME_BEGIN
from offbook.data.extract.chat_log.table_stream import columns, read_table, unnamed_columns
from offbook.data.extract.cue import ParseError
from offbook.data.extract.word_lists import words

USUAL: dict[str, list[str]] = json.loads(
    files("offbook.data.extract.chat_log").joinpath("column_names.json").read_text(encoding="utf-8")
)
"""What a column holds → the names it usually has, in lower case and with `_` between their words."""
LABEL = "\0label"
"""The column of those whom the texts name at their begin; no table has one of this name."""
LABELLED = lazy_pattern(rf"(?P<name>{NAME_BEGIN}[^:：\n.?!;\"“”|]{{0,40}}?)\s?[:：](?!//)\s*(?P<text>\S.*)", re.DOTALL)
"""A text that begins with who speaks: `Ann: Is the lamp lit?`"""
FEWEST, LEAST_SHARE = 2, 0.3
"""So many texts, of each so large a share, begin with a name."""
ADDRESS = re.compile(r"\+?\d[\d ()/.-]{4,}|\S+@\S+\.\w+")
"""A telephone number or an address of mail."""
OF_ROWS = words(
    "file filename path node language lang locale status tag tags context comment comments key lock notes label labels "
    "category class sentiment emotion mood topic intent split source kind genre 标签 类别 分类 情感 情绪 来源 语言"
)
"""Names of columns that tell of the rows and hold nobody."""


def spelling(name: str) -> str:
    """A column's name as it is compared: `Sender Name` is `sender_name`."""
    return re.sub(r"[\s\-]+", "_", name.strip().casefold())


def names_columns(first: Sequence[str]) -> bool:
    """Whether a table's first line names the column of senders or of texts, and no cell below says the same."""
    header, *rows = [columns(line) for line in first if line.strip()] or [[]]
    usual = {*USUAL["sender"], *USUAL["text"]}
    places = [place for place, name in enumerate(header) if spelling(name) in usual]
    return any(all(row[place : place + 1] != [header[place]] for row in rows) for place in places)


def sender_column(first: Sequence[str], text: str) -> str:
    """The column of senders in a table whose first line names the texts and no senders; "" where there is none.

    Either the texts begin with the names, and then it is `LABEL`, or a column is told by what is in it.

    Args:
        first: the table's head.
        text: the name of the column of texts.
    """
    try:
        rows = [row for _, row in read_table(list(enumerate(first, 1)))]
    except ParseError:
        rows = []
    if not rows or len(rows[0]) == 1 or text not in rows[0]:  # `Dialogue` may be a script's heading
        return ""
    labels = Counter(match["name"] for row in rows if (match := LABELLED.fullmatch(row[text])))
    if labels.total() >= max(FEWEST, LEAST_SHARE * len(rows)) and len(labels) <= labels.total() / 1.5:
        return LABEL
    header, below = columns(first[0]), [line for line in first[1:] if line.strip()]
    place = unnamed_columns(below).get("sender")
    name = header[int(place)] if place and int(place) < len(header) else ""
    other_names = {each for key, names in USUAL.items() if key != "sender" for each in names}
    return "" if spelling(name) in other_names | OF_ROWS or name.isdecimal() else name


def contact_column(first: Sequence[str]) -> str:
    """The column of a table's head that holds telephone numbers or addresses that come back; "" where there is none."""
    try:
        rows = [row for _, row in read_table(list(enumerate(first, 1)))]
    except ParseError:
        return ""
    for name in rows[0] if rows else ():
        cells = [row[name].strip() for row in rows if row[name].strip() not in ("", "0")]
        are_addresses = all(map(ADDRESS.fullmatch, cells)) and any("+" in cell or "@" in cell for cell in cells)
        if are_addresses and len(set(cells)) <= max(1, len(cells) / 1.5):
            return name
    return ""


def labelled(rows: Iterator[tuple[int, dict[str, str]]], text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows with who speaks as a cell of its own, under `LABEL`; "" for a text that names nobody."""
    for line, row in rows:
        match = LABELLED.fullmatch(row[text].strip())
        yield line, {**row, LABEL: match["name"] if match else "", text: match["text"] if match else row[text]}
