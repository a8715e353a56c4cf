"""Who is answered, where an export quotes the words that are answered and does not say which message they are of."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence

REMEMBERED = 2000
"""So many messages back the words are looked for."""
CUT = re.compile(r"(?:\.{3}|…)\s*$")
"""What stands behind words that are cut short."""
FEWEST = 2
"""Characters of a quotation that is looked for."""


class Quotations:
    """The messages so far, by their words."""

    def __init__(self) -> None:
        self._texts: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)

    def remember(self, text: str, identity: str) -> None:
        """Take in a message."""
        self._texts.append((_words(text), identity))

    def find(self, quoted: str) -> str:
        """The last message that has these words, or begins with them; "" where there is none."""
        words = _words(CUT.sub("", quoted.strip()))
        if len(words) < FEWEST:
            return ""
        full = (identity for text, identity in reversed(self._texts) if text == words)
        begun = (identity for text, identity in reversed(self._texts) if text.startswith(words))
        return next(full, "") or next(begun, "")


class Previews:
    """What Discord shows above an answer and copies below the message before: `@Ann`, then the words answered."""

    def __init__(self) -> None:
        self._said: deque[str] = deque(maxlen=REMEMBERED)

    def remember(self, name: str, text: str) -> None:
        """Take in a message."""
        if name and text:
            self._said.append(_squeezed(name + text))

    def without(self, name: str, body: Sequence[str]) -> Sequence[str]:
        """The lines of a message without what the next one answers, which has been said above by whom it names."""
        end = len(body)
        while end and not body[end - 1].strip():
            end -= 1
        for begin in range(end - 2, max(-1, end - 4), -1):
            shown = _squeezed("".join(body[begin:end])).removeprefix("@")
            if shown in self._said or _squeezed(name + "".join(body[:begin])).startswith(shown):
                return body[:begin]
        return body


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _words(text: str) -> str:
    return " ".join(text.split()).casefold()
