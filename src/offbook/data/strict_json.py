"""JSON without the two liberties that Python's reader takes (NaN literals, repeated keys), with positions.

A value that is well-formed but takes a liberty comes with the fault, so that reading can go on behind it;
what is malformed raises.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from offbook.core.i18n import marked, translate
from offbook.core.progress import fill
from offbook.data.json_tables import is_row, table_rows

SPACE = re.compile(r"[ \t\n\r]*")
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}]|NaN|-?Infinity')

SPLITS = {"train", "test", "validation", "valid", "val", "dev", "eval", "heldout"}
"""Names of a data set's parts, of which the first is for training."""

SYSTEM = ("system", "system_prompt", "system prompt", "system_message", "系统", "系统提示", "系统提示词", "系統")
"""Keys of an object that hold the system prompt of all rows in it."""
CHARACTER = re.compile(
    r"^(?:character|role_name|char_name|bot_name)$|persona|profile|人设|设定|^角色名?$", re.IGNORECASE
)
"""Keys of an object that tell who the character of all rows in it is."""
WITHIN_ROWS = ("history", "tools", "functions", "qa_pairs")
"""Keys of lists of objects that belong to one row."""
SPEAKERS = ("system", "user", "assistant", "human", "gpt")
"""Who speaks in a conversation with a model, as the two commonest formats write it."""
MOST_KEYS = 4
"""Keys of a turn, at most: beside who and what perhaps a name or a weight."""

REASONS = (
    marked("expecting value"),
    marked("expecting property name enclosed in double quotes"),
    marked("expecting ':' delimiter"),
    marked("expecting ',' delimiter"),
    marked("unterminated string starting at"),
    marked("invalid control character at"),
    marked("invalid \\escape"),
    marked("illegal trailing comma before end of object"),
)
"""What Python's reader of JSON says of malformed text."""
MISTAKES = (
    (re.compile("```"), marked("delete the lines with ``` before and after the JSON")),
    (re.compile(r"//|/\*|#"), marked("JSON has no comments: delete this one")),
    (re.compile(r",\s*[}\]]"), marked("no comma may stand after the last item: delete it")),
    (re.compile("['‘’“”]"), marked("keys and texts stand between straight double quotes")),
    (re.compile(r"[\n\r\t]"), marked(r"inside a text, a line break is written \n and a tab \t")),
    (re.compile(r"\\"), marked(r"inside a text, a backslash is written \\")),
    (re.compile(r'"'), marked("a comma is missing before it, or a quote behind it")),
    (re.compile(r"\w"), marked(r"keys and texts need double quotes, and a double quote inside a text is written \"")),
    (re.compile(r"\Z"), marked("the end is missing: was the file cut off?")),
)
"""What people write that is no JSON, by what stands where reading stops, and what to do about it."""
NO_VALUE = marked("{word} is no JSON value")
AROUND = marked("nothing but the JSON may stand in the file: delete what stands before and after it")
SEVERAL = marked("of several lists make one: a comma between the rows, one [ at the beginning, one ] at the end")


class JsonError(Exception):
    """What is wrong with JSON, and where in the text (1-based)."""

    def __init__(self, reason: str, line: int, column: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column

    def __str__(self) -> str:
        fields = {"line": self.line, "column": self.column, "reason": self.reason}
        return fill(marked("line {line}, column {column}: {reason}"), fields)


class JsonText:
    """A text that should be JSON."""

    def __init__(self, text: str) -> None:
        self.text = text

    def value(self) -> tuple[Any, JsonError | None]:
        """The one value that the text holds, and what forbids its use (None where nothing does).

        Raises:
            JsonError: the text is malformed, or something follows the value.
        """
        value, fault, end = self._decode(self._skip(0))
        self._expect_end(end)
        return value, fault

    def values(self) -> Iterator[tuple[Any, JsonError | None]]:
        """The values that follow one another in the text, each with what forbids its use.

        Raises:
            JsonError: the text is malformed.
        """
        end = self._skip(0)
        while True:
            value, fault, end = self._decode(end)
            yield value, fault
            end = self._skip(end)
            if not self.text.startswith("{", end):
                break
        self._expect_end(end)

    def rows(self) -> Iterator[tuple[Any, JsonError | None]]:
        """The items of the list that the text holds or its object wraps.

        Any other object is the only item, and so is each of several objects that follow one another. A list of turns is
        one conversation: `{"messages": […]}`. A comma after a list's last item is overlooked.

        Raises:
            JsonError: the text is malformed.
        """
        start = self._skip(0)
        if self.text.startswith("[", start):
            conversation = self._conversation(start)
            yield from self._items(start) if conversation is None else [conversation]
            return
        values = list(self.values())
        if len(values) > 1:
            yield from values
            return
        value, fault = values[0]
        if fault:
            raise fault
        yield from ((row, None) for row in self._unwrap(value, start))

    def _items(self, start: int) -> Iterator[tuple[Any, JsonError | None]]:
        end = self._skip(start + 1)
        more = not self.text.startswith("]", end)
        while more:
            value, fault, end = self._decode(end)
            yield value, fault
            end = self._skip(end)
            more = self.text.startswith(",", end)
            if more:
                end = self._skip(end + 1)
                more = not self.text.startswith("]", end)
            elif not self.text.startswith("]", end):
                raise self._fault(marked("expected a comma or the end of the list"), end)
        self._expect_end(end + 1)

    def _conversation(self, start: int) -> tuple[Any, JsonError | None] | None:
        """The conversation of a list of turns; None for any other list."""
        turns = []
        for turn, fault in self._items(start):
            if _role(turn) not in SPEAKERS:
                return None
            turns.append((turn, fault))
        if len({_role(turn) for turn, _ in turns}) < 2:
            return None
        return {"messages": [turn for turn, _ in turns]}, next((fault for _, fault in turns if fault), None)

    def _unwrap(self, value: Any, start: int) -> list[Any]:
        """The list of objects in `{"data": [{…}, …]}`. A list of turns belongs to a row: it holds no rows."""
        if not isinstance(value, dict):
            raise self._fault(marked("neither a list of rows nor an object that holds one"), start)
        if (table := table_rows(value)) is not None:
            return table
        if (inner := _wrapped(value)) is not None:
            return self._unwrap(inner, start)
        lists = {key: items for key, items in value.items() if _holds_rows(items) and key not in WITHIN_ROWS}
        if {"features", "rows"} <= lists.keys() and all(isinstance(item.get("row"), dict) for item in lists["rows"]):
            return [item["row"] for item in lists["rows"]]  # as the viewer of a hub gives them
        if "train" in lists and lists.keys() <= SPLITS:
            return lists["train"]
        columns = {column for items in lists.values() for column in items[0]}
        names = [key for key, items in value.items() if key in lists or _is_row_of(items, columns)]
        if lists and len(names) > 1:
            raise self._fault(
                marked("several lists of rows ({names}): keep one of them"), start, names=", ".join(names)
            )
        if not lists:
            return [value]
        shared = {key: text for key, text in value.items() if _tells_of_all(key, text)}
        return [{**shared, **row} if isinstance(row, dict) else row for row in next(iter(lists.values()))]

    def _decode(self, start: int) -> tuple[Any, JsonError | None, int]:
        """Value, what forbids its use, and the offset behind it."""
        suspicious = False

        def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            nonlocal suspicious
            made = dict(pairs)
            suspicious = suspicious or len(made) < len(pairs)
            return made

        def constant(_: str) -> None:
            nonlocal suspicious
            suspicious = True

        decoder = json.JSONDecoder(object_pairs_hook=build, parse_constant=constant)
        try:
            value, end = decoder.raw_decode(self.text, start)
        except json.JSONDecodeError as error:
            reason = error.msg[0].lower() + error.msg[1:]
            raise self._fault(reason, error.pos, self._advice(error.pos)) from None
        except RecursionError:
            raise self._fault(marked("nested too deeply"), start) from None
        except ValueError:
            raise self._fault(marked("a number of too many digits"), start) from None
        return value, self._liberty(start) if suspicious else None, end

    def _liberty(self, start: int) -> JsonError:
        """What is wrong with the value at `start`, which Python's reader accepts."""
        keys: list[set[str]] = []
        key = ""
        for token in TOKEN.finditer(self.text, start):
            word = token[0]
            if word == "{":
                keys.append(set())
            elif word == "}":
                keys.pop()
            elif word[0] != '"':
                reason = marked("{word} is no JSON value (in {key!r}): write null") if key else NO_VALUE
                return self._fault(reason, token.start(), word=word, key=key)
            elif word[-1] == ":":
                key = json.loads(word[:-1])
                if key in keys[-1]:
                    return self._fault(marked("the key {key!r} stands there twice"), token.start(), key=key)
                keys[-1].add(key)
        raise AssertionError("called on a value that takes no liberty")

    def _advice(self, offset: int) -> str:
        """What to do about what stands there; "" where nothing is known of it."""
        if not self.text[:offset].strip() and self.text[offset : offset + 1].isalpha():
            return AROUND
        before = len(self.text[:offset].rstrip()) - 1
        if self.text.startswith(("}", "]"), offset) and self.text.startswith(",", max(before, 0)):
            offset = before
        return next((advice for mistake, advice in MISTAKES if mistake.match(self.text, offset)), "")

    def _fault(self, reason: str, offset: int, advice: str = "", **fields: object) -> JsonError:
        """What is wrong there: a template with its fields, and what to do about it."""
        reason = fill(reason, fields) + (f"; {translate(advice)}" if advice else "")
        line = bisect_right(self._line_starts, offset)
        return JsonError(reason, line, offset - self._line_starts[line - 1] + 1)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(newline.end() for newline in re.finditer("\n", self.text))]

    def _expect_end(self, offset: int) -> None:
        if (end := self._skip(offset)) < len(self.text):
            advice = SEVERAL if self.text.startswith(("[", "{", ","), end) else AROUND
            raise self._fault(marked("something follows after the end"), end, advice)

    def _skip(self, offset: int) -> int:
        space = SPACE.match(self.text, offset)
        return space.end() if space else offset


def _tells_of_all(key: str, value: Any) -> bool:
    """Whether what stands beside the list of rows is the system prompt, or tells of the character, of all of them."""
    return isinstance(value, str | dict) and (key.casefold() in SYSTEM or CHARACTER.search(key) is not None)


def is_whole(text: str) -> bool:
    """Whether the text is one complete JSON value."""
    try:
        JsonText(text).value()
    except JsonError:
        return False
    return True


def _role(turn: Any) -> Any:
    """Who speaks in a message as OpenAI writes it, in one of ShareGPT's, or in `["user", "Lit?"]`; else None."""
    if isinstance(turn, list) and len(turn) == 2 and all(isinstance(part, str) for part in turn):
        return turn[0]
    if not isinstance(turn, dict) or len(turn) > MOST_KEYS:
        return None
    return turn.get("role") if "content" in turn else turn.get("from") if "value" in turn else None


def _wrapped(value: dict[str, Any]) -> dict[str, Any] | None:
    """The object with lists of rows, or of rows by name, that another one holds alone: `{"data": {"train": […]}}`."""
    if len(value) != 1 or not isinstance(inner := next(iter(value.values())), dict) or not inner:
        return None
    parts = inner.values()
    are_rows = len(inner) > 1 and all(isinstance(part, dict) and is_row(part) for part in parts)
    return inner if are_rows or all(map(_holds_rows, parts)) else None


def _is_row_of(value: Any, columns: set[str]) -> bool:
    """Whether an object is a row with such columns."""
    return isinstance(value, dict) and is_row(value) and len(value.keys() & columns) > 1


def _holds_rows(items: Any) -> bool:
    is_objects = isinstance(items, list) and bool(items) and isinstance(items[0], dict)
    return is_objects and not {"role", "from"} & items[0].keys()
