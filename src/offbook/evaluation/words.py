"""What counts as a word: a word of spaced writing, or one Chinese, Japanese or Korean character."""

from __future__ import annotations

import re

from offbook.core.text import CJK

_WORD = re.compile(rf"[{CJK}]|(?:(?![{CJK}])\w)+(?:['’](?:(?![{CJK}])\w)+)*")


def words(text: str) -> list[str]:
    """The words of `text` in lower case, without punctuation."""
    return [word for word, _, _ in spans(text)]


def spans(text: str) -> list[tuple[str, int, int]]:
    """(word, start, end) of each word; `text[start:end]` is where it stands."""
    return [(match.group().lower().replace("’", "'"), *match.span()) for match in _WORD.finditer(text)]
