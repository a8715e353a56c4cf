"""A table of messages, CSV, TSV or JSON Lines: a column of senders, one of texts, perhaps one of times.

The usual names of these columns are recognized (`USUAL` below); others are named with `--columns`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files

from offbook.data.extract.chat_log.json_stream import read_json_lines, read_messages
from offbook.data.extract.chat_log.lines import first_keys, head, is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.phrases import phrases
from offbook.data.extract.chat_log.table_stream import columns, read_table
from offbook.data.extract.chat_log.times import any_time
from offbook.data.extract.cue import Lines, ParseError

Columns = Mapping[str, str]
"""What a column holds (sender, text, time, chat, id, reply_to) → its name in the table."""

USUAL: dict[str, list[str]] = json.loads(
    files("offbook.data.extract.chat_log").joinpath("column_names.json").read_text(encoding="utf-8")
)
"""What a column holds → the names it usually has, in lower case and with `_` between their words."""
PEOPLE = [name for name in USUAL["sender"] if name not in ("character", "name", "role")]
"""Names of a column that holds who writes; those of the others are found in rows of any kind."""
NAME_KEYS = ("display_name", "displayName", "name", "nickname", "username")
"""Where a sender is an object: the fields that may hold the name."""
NEEDED = ("sender", "text")
APPS = ("whatsapp", "wechat", "line", "kakaotalk")
"""Tables are made of chats of any app; whose words stand in the place of a picture, is tried in turn."""


def read(lines: Lines, names: Columns | None = None) -> Iterator[Message]:
    """The messages of a table.

    Args:
        lines: the table's lines.
        names: what the columns are called, where they have other than the usual names.

    Raises:
        ParseError: the table is malformed, or has no such columns.
    """
    first = head(lines, 20)
    if is_json(first):
        is_list = "".join(first).lstrip("\ufeff \t\n").startswith("[")
        rows = _listed(lines) if is_list else read_json_lines(lines)
        present = json_keys(head(lines, 800))
    else:
        rows, present = read_table(lines), frozenset(columns("".join(first[:1])))
    headers = {key: name.strip().casefold() for key, name in names.items()} if names else _recognize(present)
    lowered = {name.casefold() for name in present}
    if missing := [headers.get(key, key) for key in NEEDED if headers.get(key) not in lowered]:
        columns_there = ", ".join(sorted(present)[:12]) or "–"
        raise ParseError(1, "no column '{name}' among {names}", name=missing[0], names=columns_there)
    for line, row in rows:
        yield _message(line, {str(key).casefold(): value for key, value in row.items()}, headers)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a table of messages: 0 or 1; JSON, which other formats hold too, 0 or 0.3."""
    if is_json(sample):
        headers = _recognize(first_keys(sample))
        is_log = headers.keys() >= {*NEEDED, "time"} and _spelling(headers["sender"]) in PEOPLE
        return 0.3 if is_log else 0.0
    first = sample[0] if sample else ""
    return float(set(NEEDED) <= _recognize(frozenset(columns(first))).keys())


def _listed(lines: Lines) -> Iterator[tuple[int, dict[str, object]]]:
    yield from ((line, item) for line, item, _ in read_messages(lines))


def _spelling(name: str) -> str:
    """A column's name as it is compared: `Sender Name` is `sender_name`."""
    return re.sub(r"[\s\-]+", "_", name.strip().casefold())


def _recognize(present: frozenset[str]) -> dict[str, str]:
    """What the columns hold (a key of `USUAL`) → their names in lower case."""
    spelled = {_spelling(name): name.casefold() for name in sorted(present)}
    headers: dict[str, str] = {}
    for key, usual in USUAL.items():
        free = (spelled[name] for name in usual if name in spelled and spelled[name] not in headers.values())
        if name := next(free, ""):
            headers[key] = name
    return headers


def _message(line: int, row: Mapping[str, object], names: Columns) -> Message:
    def cell(key: str) -> str:
        value = row.get(names.get(key, ""))
        if isinstance(value, dict):
            value = next((value[name] for name in NAME_KEYS if value.get(name)), None) if key == "sender" else None
        return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""

    text = cell("text").strip()
    contents = (phrases(app).content(text) for app in APPS) if text else iter([Content.MEDIA])
    content = next((content for content in contents if content is not Content.TEXT), Content.TEXT)
    sender = re.sub(r"\s+", " ", cell("sender")).strip()
    if not sender:
        content = Content.NOTE
    return Message(sender, text, line, any_time(cell("time")), content, cell("chat"), cell("id"), cell("reply_to"))


FORMAT = ChatFormat("table", "a table of messages (sender, text, perhaps time)", read, looks_like, is_json=True)
