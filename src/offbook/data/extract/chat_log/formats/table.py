"""A table of messages, CSV, TSV or JSON Lines: a column of senders, one of texts, perhaps one of times.

The usual names of these columns are recognized (`USUAL` below); others are named with `--columns`. A line or two may
stand above the names. Where a table has none, its columns are told by what is in them (`unnamed_columns`), or by their
numbers: `--columns time=1,sender=3,text=5`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from offbook.core.i18n import marked
from offbook.data.extract.chat_log.formats import wechat
from offbook.data.extract.chat_log.json_stream import read_json_lines, read_messages
from offbook.data.extract.chat_log.lines import first_keys, head, is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.phrases import content_of_any_app
from offbook.data.extract.chat_log.recordings import of_script
from offbook.data.extract.chat_log.table_direction import ME, Direction
from offbook.data.extract.chat_log.table_header import (
    LABEL,
    USUAL,
    contact_column,
    labelled,
    names_columns,
    sender_column,
    spelling,
)
from offbook.data.extract.chat_log.table_stream import columns, read_table, read_unnamed, time_columns, unnamed_columns
from offbook.data.extract.chat_log.times import DateOrder, any_time
from offbook.data.extract.chat_log.web_page import plain_text
from offbook.data.extract.cue import Lines, ParseError
from offbook.data.extract.word_lists import words

Columns = Mapping[str, str]
"""What a column holds (sender, text, time, chat, scene, id, reply_to, deleted) → its name in the table."""

PEOPLE = [name for name in USUAL["sender"] if name not in ("character", "name", "role")]
"""Names of a column that holds who writes; those of the others are found in rows of any kind."""
SPEAKERS = frozenset(["speaker", "speaker_name", "character_name", "说话人", "说话者", "発言者", "話者"])
"""Names of a column that is found in rows of dialogues alone, with times or without."""
NAME_KEYS = ("display_name", "displayName", "name", "nickname", "username")
"""Where a sender is an object: the fields that may hold the name."""
NEEDED = ("sender", "text")
BY_NUMBER = marked(
    "Say which columns these are by name, --columns sender=from,text=body, or by number where the table has no names: "
    "--columns day=1,time=2,sender=3,text=5"
)
FIRST_LINES = 6
"""Among so many lines stands the one that names the columns."""
NUMBERS_FIRST = re.compile(r"\D{0,6}(?P<first>\d{1,2})(?P<sign>[-/.])(?P<second>\d{1,2})[-/.]\d{2,4}")
SURVEYED_ROWS = 500
"""So many rows tell the order of day and month."""
NO = frozenset(("", "0", "0.0", "false", "no", "n", "f", "null", "none", "nan", "nein", "non", "não", "нет", "否"))
OF_SCRIPTS = words(
    "台词 台詞 台词内容 台詞內容 对白 對白 对白内容 セリフ せりふ 대사 réplique replique battuta fala falas реплика "
    "replik transcript"
)
"""Names of the column of texts where these are a script's, with directions in brackets."""
THREAD = "thread_id"
"""In Reddit's table of letters it is the id of the first one, which has none itself."""
CLOCK_ALONE = re.compile(r"^\D{0,4}\d{1,2}[:.]\d{2}(?:[:.]\d{2})?\D{0,6}$")


def read(lines: Lines, names: Columns | None = None) -> Iterator[Message]:
    """The messages of a table.

    Args:
        lines: the table's lines.
        names: what the columns are called, where they have other than the usual names.

    Raises:
        ParseError: the table is malformed, or has no such columns.
    """
    first = head(lines, 100)
    at = _header_at(first)
    unnamed: Columns = {}
    if is_json(first):
        is_list = "".join(first).lstrip("\ufeff \t\n").startswith("[")
        rows = _listed(lines) if is_list else read_json_lines(lines)
        present = json_keys(head(lines, 800))
    elif names and _are_numbers(names, first):
        rows = read_unnamed(_From(lines, 0 if at is None else at + 1))
        unnamed = {key: str(int(name) - 1) for key, name in names.items()}
        present, names = _numbers(first[0 if at is None else at :]), None
    elif names or at is not None or names_columns(first) or not (unnamed := unnamed_columns(first)):
        start = 0 if names or at is None else at
        rows = read_table(_From(lines, start))
        present = frozenset(columns("".join(first[start : start + 1])))
    else:
        rows, present = read_unnamed(lines), frozenset(unnamed.values())
    headers = _named(names, present) if names else unnamed or _recognize(present)
    if not is_json(first) and not unnamed and (sender := _unnamed_sender(headers, first)):
        headers = {**headers, "sender": sender}
        rows, present = (labelled(rows, headers["text"]), present | {LABEL}) if sender == LABEL else (rows, present)
    lowered = {name.casefold() for name in present}
    wanted = NEEDED if is_json(first) else dict.fromkeys((*NEEDED, *headers))
    if missing := [key for key in wanted if headers.get(key) not in lowered]:
        raise _no_column(headers.get(missing[0], missing[0]), present, is_numbered=bool(unnamed))
    messages = _messages(rows, headers, is_told=bool(names))
    is_script = not is_json(first) and spelling(headers.get("text", "")) in OF_SCRIPTS
    yield from map(of_script, messages) if is_script else messages


def _named(names: Columns, present: frozenset[str]) -> Columns:
    """The columns that the user named, and the one that tells what was sent: the column of senders may not."""
    named = {key: name.strip().casefold() for key, name in names.items()}
    direction = _recognize(present).get("direction", "")
    return named if direction in ("", *named.values()) else {"direction": direction, **named}


def _are_numbers(names: Columns, first: Sequence[str]) -> bool:
    """Whether columns are told by number, and not by names that are numbers."""
    wanted = {name.strip() for name in names.values()}
    return all(map(str.isdecimal, wanted)) and not wanted <= set(columns("".join(first[:1])))


def _unnamed_sender(headers: Columns, first: Sequence[str]) -> str:
    """The column of senders where the first line names the texts and no senders."""
    if "sender" in headers or headers.get("text") not in columns("".join(first[:1])):
        return ""
    return ("direction" in headers and contact_column(first)) or sender_column(first, headers["text"])


def _numbers(first: Sequence[str]) -> frozenset[str]:
    """The numbers, from 0 on, of the columns of a table."""
    return frozenset(next((row for _, row in read_unnamed(list(enumerate(first, 1)))), {}))


def _no_column(name: str, present: frozenset[str], *, is_numbered: bool) -> ParseError:
    if is_numbered:
        number = str(int(name) + 1) if name.removeprefix("-").isdecimal() else name
        return ParseError(1, "no column {number} among {count}", fix=BY_NUMBER, number=number, count=len(present))
    listed = ", ".join(sorted(present)[:12]) or "–"
    return ParseError(1, "no column '{name}' among {names}", fix=BY_NUMBER, name=name, names=listed)


def _messages(rows: Iterator[tuple[int, dict[str, Any]]], headers: Columns, *, is_told: bool) -> Iterator[Message]:
    """The messages of the rows, in the order of time where they tell it."""
    rest = (
        (line, {str(key).casefold(): value for key, value in row.items()})
        for line, row in rows
        if not all(str(value).strip("-: ") == "" for value in row.values())  # the rule below a Markdown table's names
    )
    first = list(islice(rest, SURVEYED_ROWS))
    surveyed = [row for _, row in first]
    headers = {**headers, **_times_by_content(surveyed, headers)}
    is_unnamed = headers["sender"].isdecimal() and "day" in headers
    dates = [str(row.get(headers.get("day", headers.get("time", ""))) or "") for row in surveyed]
    month_first = _month_first(dates, is_unnamed=is_unnamed)
    staged = _in_scenes(chain(first, rest), headers, _scene_columns(surveyed, headers))
    direction = Direction(headers, surveyed, is_told=is_told)
    messages = (_message(line, row, headers, month_first, chat, direction) for line, row, chat in staged)
    return in_order(messages) if "time" in headers or direction.is_chat else messages


def _scene_columns(rows: Sequence[Mapping[str, Any]], headers: Columns) -> list[str]:
    """The columns that tell the scene, from season to scene; one that differs in every row numbers the lines."""
    taken = {name for key, name in headers.items() if key != "scene"}
    named = [name for name in (rows[0] if rows else ()) if name not in taken and spelling(name) in USUAL["scene"]]
    named = [headers["scene"]] if headers.get("scene") not in (None, *named) else named
    return [name for name in named if len({str(row.get(name) or "") for row in rows}) < max(len(rows), 2)]


def _in_scenes(
    rows: Iterable[tuple[int, dict[str, Any]]], headers: Columns, scenes: Sequence[str]
) -> Iterator[tuple[int, dict[str, Any], str]]:
    """The rows with their lines, and their chat or scene; an empty cell goes on with the scene above."""
    scene = dict.fromkeys(scenes, "")
    for line, row in rows:
        scene.update({name: str(row[name]).strip() for name in scenes if row.get(name) not in (None, "")})
        chat = str(row.get(headers.get("chat", "")) or "").strip()
        if not chat and headers.get("chat") == THREAD and "to" in row:
            chat = str(row.get(headers.get("id", "")) or "").strip()
        yield line, row, ", ".join(filter(None, (chat, *scene.values())))


def _times_by_content(rows: Sequence[Mapping[str, Any]], headers: Columns) -> Columns:
    """The columns of the time, told by what is in them, where no name tells them, or the one of a day alone."""
    taken = {name for key, name in headers.items() if key != "time"}
    names = [name for name in (rows[0] if len(rows) > 1 else ()) if name not in taken]
    places = time_columns([[str(row.get(name) or "") for row in rows] for name in names])
    times = {key: names[place] for key, place in places.items()}
    is_unknown = "time" not in headers or headers["time"] == times.get("day")
    return times if is_unknown and "day" not in headers else {}


def _month_first(times: Sequence[str], *, is_unnamed: bool = False) -> bool:
    """Whether the month leads in the dates: it does where they do not tell, unless points part them.

    A table without names whose days stand beside their clocks is mostly Viber's, and there the day leads.
    """
    numbers = [match for time in times if (match := NUMBERS_FIRST.match(time))]
    order = DateOrder(month_first=not (is_unnamed or any(match["sign"] == "." for match in numbers)))
    for match in numbers:
        order.add(match["first"], match["second"])
    return order.month_first


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a table of messages: 0 or 1; without names, or JSON, which others hold too, less."""
    if is_json(sample):
        headers = _recognize(first_keys(sample))
        sender = spelling(headers["sender"]) if headers.keys() >= set(NEEDED) else ""
        return 0.3 if sender in SPEAKERS or ("time" in headers and sender in PEOPLE) else 0.0
    if _header_at(sample) is not None or _unnamed_sender(_recognize(_names_in("".join(sample[:1]))), sample[:100]):
        return 1.0
    return 0.5 if unnamed_columns(sample[:100]) else 0.0


def _header_at(sample: Sequence[str]) -> int | None:
    """The place of the line that names the columns, if it is one of the first; None where there is none."""
    places = (at for at, line in enumerate(sample[:FIRST_LINES]) if set(NEEDED) <= _recognize(_names_in(line)).keys())
    return next(places, None)


def _names_in(line: str) -> frozenset[str]:
    return frozenset(columns(line))


class _From:
    """The lines from a place on."""

    def __init__(self, lines: Lines, start: int) -> None:
        self._lines, self._start = lines, start

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return islice(iter(self._lines), self._start, None)


def _listed(lines: Lines) -> Iterator[tuple[int, dict[str, Any]]]:
    yield from ((line, item) for line, item, _ in read_messages(lines))


def _recognize(present: frozenset[str]) -> dict[str, str]:
    """What the columns hold (a key of `USUAL`) → their names in lower case.

    Beside a column that tells messages sent from those received, the contact is who writes the latter.
    """
    spelled = {spelling(name): name.casefold() for name in sorted(present)}
    headers: dict[str, str] = {}
    for key, usual in USUAL.items():
        free = (spelled[name] for name in usual if name in spelled and spelled[name] not in headers.values())
        if name := next(free, ""):
            headers[key] = name
    if "contact" in headers and "direction" in headers:
        headers.setdefault("sender", headers["contact"])
    return headers


def _message(
    line: int, row: Mapping[str, object], names: Columns, month_first: bool, chat: str, direction: Direction
) -> Message:
    def cell(key: str) -> str:
        value = row.get(names[key]) if key in names else None
        if isinstance(value, dict):
            value = next((value[name] for name in NAME_KEYS if value.get(name)), None) if key == "sender" else None
        return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""

    text = wechat.QUOTED.sub("", plain_text(cell("text"))).strip()
    content = content_of_any_app(text) if text else Content.MEDIA
    if cell("deleted").strip().casefold() not in NO:  # yes, or the time when it was
        content = Content.DELETED
    sender = re.sub(r"\s+", " ", cell("sender")).strip()
    if direction.is_chat:
        chat = ", ".join(filter(None, (sender, chat)))
    if direction.is_mine(row, sender):
        sender = ME
    if not sender and direction.was_received(row):
        sender = cell("contact") or "?"
    if not sender or direction.is_note(row):
        content = Content.NOTE
    time = cell("time")
    if "day" in names and CLOCK_ALONE.match(time):
        time = f"{cell('day')} {time}"
    return Message(sender, text, line, any_time(time, month_first), content, chat, cell("id"), cell("reply_to"))


FORMAT = ChatFormat("table", "a table of messages (sender, text, perhaps time)", read, looks_like, is_json=True)
