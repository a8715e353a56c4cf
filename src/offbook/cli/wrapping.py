"""Text in lines of a terminal: Chinese is broken between characters, other words only at spaces."""

from __future__ import annotations

import re
import unicodedata

from offbook.core.text import CJK

OPENING = "（“‘《「『［【"
"""Punctuation that no line ends with."""
CLOSING = "，。、；：？！）”’》」』］】…—"
"""Punctuation that no line begins with."""
UNIT = re.compile(
    rf"\s+|\[[^\]]{{1,30}}\]|[{OPENING}]*(?:[{CJK}]|[^\s{CJK}{OPENING}{CLOSING}]+)[{CLOSING}]*|[{OPENING}{CLOSING}]+"
)
"""What stays on one line: a character or a word with its punctuation, a note in brackets; or the space between."""


def columns(text: str) -> int:
    """How many columns a text takes: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def wrap(text: str, width: int) -> list[str]:
    """The lines of a text, each of at most `width` columns; a word that is longer by itself is not broken.

    Args:
        text: a paragraph; its own line breaks do not count.
        width: in columns.
    """
    text = re.sub(rf"(?<=[{CJK}{CLOSING}])\n|\n(?=[{CJK}{OPENING}])", "", text)
    lines, line = [], ""
    for unit in UNIT.findall(text):
        if line and columns(line + unit.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += (" " if unit == "\n" else unit) if line or not unit.isspace() else ""
    return [*lines, line.rstrip()] if line.strip() else lines
