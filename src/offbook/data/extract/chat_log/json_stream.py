"""The messages of a chat export in JSON, one by one: exports are large, and Python's reader wants the whole text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from offbook.data.extract.cue import Lines, ParseError

JsonObject = dict[str, Any]

GAP = re.compile(r"[\s,]*")
BLOCK = 1 << 18
DECODER = json.JSONDecoder()
LONGEST_KEY = 256
LONGEST_PREAMBLE = 1 << 18
LONGEST_MESSAGE = 1 << 26
"""More text than this in one message means that the file is damaged; it is not read on into memory."""


def read_messages(lines: Lines, key: str | re.Pattern[str] = "messages") -> Iterator[tuple[int, JsonObject, str]]:
    """The objects in every `"messages": […]` of the text, or in the list that the text is.

    Args:
        lines: the text.
        key: what stands before the lists, or a pattern for it.

    Yields:
        The line that the object begins on, the object, and the text between the list before and this one: the
        head of the file, or of the chat, with the key.

    Raises:
        ParseError: the JSON is malformed.
    """
    text = _Text(lines, key)
    while text.find_list():
        while not text.ends_list():
            line = text.line
            yield line, text.object(), text.preamble


def read_json_lines(lines: Lines) -> Iterator[tuple[int, JsonObject]]:
    """The objects of JSON Lines, each with its line; empty lines and comments (#) are passed over.

    Raises:
        ParseError: a line is no JSON object.
    """
    for number, line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        try:
            value = json.loads(line.lstrip("\ufeff"))
        except RecursionError:
            raise ParseError(number, "nested too deeply") from None
        except ValueError as error:
            raise ParseError(number, "not valid JSON ({reason})", reason=_reason(error)) from None
        if not isinstance(value, dict):
            raise ParseError(number, "not a JSON object")
        yield number, value


class JsonText:
    """A JSON text that is read as a whole, and the lines on which its strings stand.

    Raises:
        ParseError: the JSON is malformed.
    """

    def __init__(self, lines: Lines) -> None:
        self._text = "\n".join(text for _, text in lines).lstrip("\ufeff")
        self._at, self._line = 0, 1
        try:
            self.value: Any = json.loads(self._text, strict=False)
        except json.JSONDecodeError as error:
            raise ParseError(error.lineno, "not valid JSON ({reason})", reason=_reason(error)) from None
        except RecursionError:
            raise ParseError(1, "nested too deeply") from None

    def line_of(self, string: str) -> int:
        """The line of the next such string behind the one that was asked for before; that one's where there is none."""
        place = self._text.find(json.dumps(string, ensure_ascii=self._text.isascii()), self._at)
        if place >= 0:
            self._line += self._text.count("\n", self._at, place)
            self._at = place
        return self._line


def string_in(text: str, key: str) -> str:
    """The last `"key": "value"` in a piece of JSON, or "" where there is none."""
    values = re.findall(rf'"{key}"\s*:\s*("(?:[^"\\]|\\.)*")', text)
    try:
        return str(json.loads(values[-1], strict=False)) if values else ""
    except ValueError:
        return ""


def _reason(error: ValueError) -> str:
    return str(error.args[0]).split(":")[0].lower()


class _Text:
    """A window that slides over the text."""

    def __init__(self, lines: Lines, key: str | re.Pattern[str]) -> None:
        self._lines = iter(lines)
        # Inside a JSON string every quote has a backslash before it, so what looks like the key is the key.
        name = key.pattern if isinstance(key, re.Pattern) else re.escape(key)
        self._key = re.compile(rf'"{name}"\s*:\s*\[')
        self._window = ""
        self._at = 0
        self._begun = False
        self.line = 1
        self.preamble = ""

    def find_list(self) -> bool:
        """Go to the first item of the next list of messages; False where there is none."""
        self.preamble = ""
        if not self._begun and self._is_list():
            return True
        while not (match := self._key.search(self._window, self._at)):
            self._skip_to(max(self._at, len(self._window) - LONGEST_KEY))
            if not self._more():
                return False
        self._skip_to(match.end())
        return True

    def ends_list(self) -> bool:
        """Whether the list has no further item."""
        line = self.line
        while True:
            gap = GAP.match(self._window, self._at)
            self._go(gap.end() if gap else self._at)
            if self._at < len(self._window):
                return self._window[self._at] == "]"
            if not self._more():
                raise ParseError(line, "the list of messages does not end")

    def object(self) -> JsonObject:
        """The next item."""
        while True:
            try:
                value, end = DECODER.raw_decode(self._window, self._at)
                break
            except RecursionError:
                raise ParseError(self.line, "nested too deeply") from None
            except ValueError as error:
                # It may only be cut short: as much again is read, so that a long item is tried few times.
                if len(self._window) - self._at > LONGEST_MESSAGE or not self._more():
                    raise ParseError(self.line, "not valid JSON ({reason})", reason=_reason(error)) from None
        if not isinstance(value, dict):
            raise ParseError(self.line, "a message that is not a JSON object")
        self._go(end)
        return value

    def _is_list(self) -> bool:
        self._begun = True
        self._more()
        match = re.match(r"[\s\ufeff]*\[\s*(?=\{)", self._window)
        self._go(match.end() if match else self._at)
        return match is not None

    def _more(self) -> bool:
        self._window, self._at = self._window[self._at :], 0
        wanted = max(BLOCK, len(self._window))
        parts = []
        while wanted > 0 and (numbered := next(self._lines, None)):
            parts.append(numbered[1] + "\n")
            wanted -= len(parts[-1])
        self._window += "".join(parts)
        return bool(parts)

    def _skip_to(self, place: int) -> None:
        self.preamble = (self.preamble + self._window[self._at : place])[-LONGEST_PREAMBLE:]
        self._go(place)

    def _go(self, place: int) -> None:
        self.line += self._window.count("\n", self._at, place)
        self._at = place
