"""What counts as a word: a word of spaced writing, or one Chinese, Japanese or Korean character."""

from __future__ import annotations

import re

_WIDE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_WIDE}]|(?:(?![{_WIDE}])\w)+(?:['’](?:(?![{_WIDE}])\w)+)*")


def words(text: str) -> list[str]:
    """The words of `text` in lower case, without punctuation."""
    return [word for word, _, _ in spans(text)]


def spans(text: str) -> list[tuple[str, int, int]]:
    """(word, start, end) of each word; `text[start:end]` is where it stands."""
    return [(found.group().lower().replace("’", "'"), *found.span()) for found in _WORD.finditer(text)]
