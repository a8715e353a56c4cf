"""The messages of a chat export in JSON, one by one: exports are large, and Python's reader wants the whole text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from offbook.data.extract.cue import Lines, ParseError

KEY = re.compile(r'"messages"\s*:\s*\[')
"""Inside a JSON string every quote has a backslash before it, so what looks like the key is the key."""
GAP = re.compile(r"[\s,]*")
BLOCK = 1 << 18
LONGEST_KEY = 64


def read_messages(lines: Lines) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects in every `"messages": […]` of the text, each with the line that it begins on.

    Raises:
        Damaged: the JSON is malformed.
    """
    text = _Text(lines)
    while text.find_list():
        while not text.ends_list():
            line = text.line
            yield line, text.object()


class _Text:
    """A window that slides over the text."""

    def __init__(self, lines: Lines) -> None:
        self._lines = iter(lines)
        self._window = ""
        self._at = 0
        self.line = 1

    def find_list(self) -> bool:
        """Go to the first item of the next list of messages; False where there is none."""
        while not (found := KEY.search(self._window, self._at)):
            self._go(max(self._at, len(self._window) - LONGEST_KEY))
            if not self._more():
                return False
        self._go(found.end())
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

    def object(self) -> dict[str, Any]:
        """The next item."""
        while True:
            try:
                value, end = json.JSONDecoder().raw_decode(self._window, self._at)
                break
            except RecursionError:
                raise ParseError(self.line, "nested too deeply") from None
            except ValueError as error:
                # It may only be cut short: as much again is read, so that a long item is tried few times.
                if not self._more():
                    raise ParseError(self.line, f"no JSON ({error.args[0].split(':')[0].lower()})") from None
        if not isinstance(value, dict):
            raise ParseError(self.line, "a message that is no object")
        self._go(end)
        return value

    def _more(self) -> bool:
        self._window, self._at = self._window[self._at :], 0
        wanted = max(BLOCK, len(self._window))
        parts = []
        while wanted > 0 and (numbered := next(self._lines, None)):
            parts.append(numbered[1] + "\n")
            wanted -= len(parts[-1])
        self._window += "".join(parts)
        return bool(parts)

    def _go(self, place: int) -> None:
        self.line += self._window.count("\n", self._at, place)
        self._at = place
