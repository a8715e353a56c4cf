"""Texts of the Aozora library: the readings of characters, its notes in the text, and what it prints about a book.

The library writes 灯台《とうだい》, ｜大雨《おおあめ》 and notes as ［＃８字下げ］. It explains that between two rules
above the text, and below it names the book that it was typed from (底本：).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

READING = re.compile(
    r"[｜|](?P<base>[^《》｜|\s]{1,30})《[\u3041-\u30ffー・]{1,30}》|(?<=[\u4e00-\u9fff々〆ヶ])《[\u3041-\u30ffー・]{1,30}》"
)
"""How characters are read, behind them; sites for novels write it so, too."""
NOTE = re.compile(r"［＃[^［］]*］")
EXPLAINED = "【テキスト中に現れる記号について】"
RULE = re.compile(r"^-{20,}\s*$")
LONGEST = 40
"""The explanation has no more lines."""
SOURCE = re.compile(r"^\s*底本[：:]")


def without_notes(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The lines without readings and notes; what is printed about a book of the library is left out."""
    held: list[tuple[int, str]] = []
    """A rule and what stands below it, which the explanation may be."""
    is_library = False
    for number, raw in lines:
        text = READING.sub(lambda reading: reading["base"] or "", raw) if "《" in raw else raw
        text = NOTE.sub("", text) if "［＃" in text else text
        if is_library and SOURCE.match(text):
            break
        if RULE.match(text):
            is_explained = any(EXPLAINED in line for _, line in held)
            is_library |= is_explained
            yield from () if is_explained else held
            held = [] if is_explained else [(number, text)]
        elif held and len(held) < LONGEST:
            held.append((number, text))
        else:
            yield from held
            held = []
            yield number, text
    yield from held
