"""Quotations in a paragraph with several kinds of quotation marks.

    »Er sagte „Komm“«, rief sie.      „Wer denn?", fragte Paul.      ,,Seit gestern'', sagte Anna.

What stands beside a mark tells whether it opens or closes; a quotation is closed by the mark that belongs to it, or by
one that editors and keyboards put in its place. Marks inside other marks belong to what is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from offbook.data.extract.word_lists import one_of

MARK = re.compile(one_of([",,", "``", "''", "<<", ">>", *"“”„‟«»\"＂「」『』‹›‚‘’'"]))
TYPED = {",,": "„", "``": "“", "''": "”", "<<": "«", ">>": "»", "‟": "“", "＂": '"'}
"""Marks as they are typed for others."""
CLOSED_BY = {
    "„": "“”",
    "“": "”",
    "”": "”",
    "«": "»",
    "»": "«",
    '"': '"',
    "「": "」",
    "『": "』",
    "‚": "‘",
    "›": "‹",
    "‹": "›",
}
ALSO_CLOSED_BY = {"„": '"„', "“": '"“', "”": '"“', '"': "”“", "»": "»", "«": "«", "‚": "’'", "›": "›"}
"""What closes a quotation where the mark that belongs to it does not."""
SINGLE_ANGLES = "‹›"
SAME_BOTH_WAYS = '"”'
ALWAYS_OPEN = "“„«「『"
"""Marks that open where a space or a letter on both sides does not tell: « Oui », 他说“好”。"""
BEFORE_OPENING = "([{—–-―¿¡:/“„«»\"「『‚‘'›‹"
BEHIND_CLOSING = ",.;:!?…)]}“”«»\"」』‘’'›‹"


@dataclass(frozen=True, slots=True)
class Quotation:
    """Where a quotation stands in its paragraph."""

    begin: int
    """Of its opening mark."""
    first: int
    """Of what is said."""
    end: int
    """Of what is said: its closing mark, or the end of the paragraph."""
    stop: int
    """Behind its closing mark."""
    open: bool
    """Whether the paragraph ends before it does."""


@dataclass(frozen=True, slots=True)
class _Mark:
    sign: str
    start: int
    end: int
    opens: bool
    """Whether what stands beside it tells that it opens."""
    closes: bool
    may_open: bool


def quotations(text: str) -> Iterator[Quotation]:
    """The outermost quotations of a paragraph, in order."""
    marks = [_mark(text, match) for match in MARK.finditer(text)]
    place = 0
    while place < len(marks):
        mark = marks[place]
        place += 1
        if not mark.may_open:
            continue
        end = _closing(marks, place - 1)
        if end < 0:
            yield Quotation(mark.start, mark.end, len(text), len(text), True)
            return
        yield Quotation(mark.start, mark.end, marks[end].start, marks[end].end, False)
        place = end + 1


def _mark(text: str, match: re.Match[str]) -> _Mark:
    """A mark, and what its neighbours tell of it."""
    sign = TYPED.get(match[0], match[0])
    before, behind = text[: match.start()][-1:], text[match.end() : match.end() + 1]
    left = not before or before.isspace() or before in BEFORE_OPENING
    right = not behind or behind.isspace() or behind in BEHIND_CLOSING
    if right and not before and text[match.end() + 1 : match.end() + 2].isalnum():
        right = behind not in SINGLE_ANGLES  # »›Komm‹, schreibt er.«
    opens, closes = left and not right, right and not left
    neutral = not opens and not closes and match[0] != "''"
    may_open = sign in CLOSED_BY and (
        opens or (neutral and (sign in ALWAYS_OPEN or (sign == '"' and not before.isalnum())))
    )
    return _Mark(sign, match.start(), match.end(), opens, closes, may_open)


def _closing(marks: list[_Mark], first: int) -> int:
    """The place of the mark that closes a quotation; -1 where none does.

    A mark that stands for the proper one closes it if the next quotation, or nothing more, comes before the proper one.
    """
    inside = [marks[first].sign]
    instead = -1
    for place in range(first + 1, len(marks)):
        mark = marks[place]
        if not mark.opens or (mark.sign in SAME_BOTH_WAYS and mark.sign in inside):
            depth = next((at for at in reversed(range(len(inside))) if mark.sign in CLOSED_BY[inside[at]]), -1)
            if depth == 0:
                return instead if instead >= 0 and mark.opens else place
            if depth > 0:
                del inside[depth:]
                continue
            if mark.closes and mark.sign in ALSO_CLOSED_BY.get(inside[-1], ""):
                if len(inside) > 1:
                    inside.pop()
                elif instead < 0:
                    instead = place
                continue
        if mark.may_open:
            if instead >= 0 and mark.sign == inside[0]:
                return instead
            inside.append(mark.sign)
    return instead
