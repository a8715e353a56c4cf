"""Paragraphs of running prose cut into what is told and what is said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import cycle

from offbook.data.extract.novel.mixed_marks import MARK, quotations

PAIRS = {"“": "”", "「": "」", "『": "』", "«": "»", "‘": "’", '"': '"', "'": "'"}
GERMAN = {"„": "“", "»": "«", "‚": "‘", "›": "‹"}
SWEDISH = {"”": "”"}
SINGLE = "'‘"
APOSTROPHES = "'‘’"
"""Marks that are apostrophes as well."""
DASH = re.compile(r"[—–―-]+\s*(?=[^\W\d_]|[¿¡«»„“”‚›\"…])")
"""How a paragraph of dialogue begins in books that use dashes."""
HEADING = 40
"""A heading that stands right behind a paragraph is no longer."""
CLOSES_AFTER = re.compile(r"[,.;:!?…\-—–~，。！？)\"”]$")
"""What stands before the end of a speech in single quotes, and hardly ever before an apostrophe."""
CLOSES_BEFORE = re.compile(r"[;:](?=\s)|(?:--|—)(?=\w[^'’]{0,120}(?:--|—)['‘]\w)")
"""What stands behind the end of a speech that goes on outside: ‘a thimble’; and then."""
OPENS = {mark: re.compile(rf"(?<![\w.,!?]){mark}(?=[^\s,.;!?])") for mark in (*PAIRS, *GERMAN, *SWEDISH)}
OPENS["«"] = re.compile(r"(?<![\w.,!?])«\s?(?=[^\s,.;!?])")
"""An opening mark, told from an apostrophe and from the end of a quotation by what stands beside it."""
ELISION = re.compile(r"['’](?:tis|twas|twere|twill|twould|em|un|til|cause|bout|ee|im|er|n)\b", re.IGNORECASE)
CURLY = re.compile("[“”]")


@dataclass(frozen=True, slots=True)
class TextSpan:
    """A stretch of a paragraph: told, or said between quotation marks."""

    is_quote: bool
    text: str
    start: int
    open: bool = False
    """Said, and not closed at the end of the paragraph: the next one may go on with it."""


@dataclass(frozen=True, slots=True)
class BookLayout:
    """How a book is printed."""

    wrapped: bool
    """Whether its paragraphs are broken into lines."""
    hyphenated: bool
    """Whether words are broken over the ends of lines."""
    marks: tuple[str, str]
    """Its quotation marks."""
    language: str
    """As `languages.language_of` tells it."""
    dashes: bool
    """Whether a dash at the head of a paragraph begins what is said."""
    sets_apart: bool = False
    """Whether what is indented is set apart, as letters and verses are: most paragraphs are not."""

    @property
    def seam(self) -> str:
        """What stands between two words."""
        return "" if self.language in ("zh", "ja") else " "


def cut_at_marks(text: str, marks: tuple[str, str]) -> list[TextSpan]:
    """The paragraph cut at its outermost quotation marks. A mark inside other marks belongs to what is said."""
    if marks == ("“", "”") and "„" not in text:
        text = _turned(text)
    if marks[0] in SINGLE and (marks[0] in text or not _single_pair(text)):
        first = next(quotations(text), None)
        begin = _find_open(text, marks[0], 0)
        other = first and (begin < 0 or first.begin < begin)
        return _cut_at_all_kinds(text) if other else _cut_at_one_kind(text, marks)
    if single := _single_pair(text):
        return _cut_at_one_kind(text, single)
    if not {*MARK.findall(text)} <= {*marks, *APOSTROPHES}:
        return _cut_at_all_kinds(text)
    split = _cut_at_one_kind(text, marks)
    return _cut_at_all_kinds(text) if split and split[-1].open else split


def _single_pair(text: str) -> tuple[str, str] | None:
    """The single marks of a paragraph that quotes with them alone, in a book of other marks."""
    for mark in SINGLE:
        if mark not in text:
            continue
        pair = (mark, PAIRS[mark])
        begin = _find_open(text, mark, 0)
        end = _find_close(text, pair, begin + 1) if begin >= 0 and not ELISION.match(text, begin) else -1
        if end < 0 or any(sign[0] not in APOSTROPHES for sign in MARK.finditer(text, 0, begin)):
            continue
        # A verse that somebody quotes stands alone.
        if any(map(str.isalpha, text[:begin] + text[end + 1 :])) and (not begin or CLOSES_AFTER.match(text[end - 1])):
            return pair
    return None


def _cut_at_all_kinds(text: str) -> list[TextSpan]:
    split: list[TextSpan] = []
    start = 0
    for quotation in quotations(text):
        if quotation.begin > start:
            split.append(TextSpan(False, text[start : quotation.begin], start))
        speech = text[quotation.first : quotation.end].strip()
        split.append(TextSpan(True, speech, quotation.begin, quotation.open))
        start = quotation.stop
    if start < len(text):
        split.append(TextSpan(False, text[start:], start))
    return split


def _cut_at_one_kind(text: str, marks: tuple[str, str]) -> list[TextSpan]:
    open_mark = marks[0]
    split: list[TextSpan] = []
    start = 0
    while (begin := _find_open(text, open_mark, start)) >= 0:
        end = _find_close(text, marks, begin + 1)
        if begin > start:
            split.append(TextSpan(False, text[start:begin], start))
        stop = end if end >= 0 else len(text)
        split.append(TextSpan(True, text[begin + 1 : stop].strip(), begin, end < 0))
        start = stop + 1
    if start < len(text):
        split.append(TextSpan(False, text[start:], start))
    return split


def closes_first(text: str, marks: tuple[str, str]) -> bool:
    """Whether the first quotation mark of a paragraph ends a quotation, so that this began before it."""
    if marks[0] in SINGLE:
        end = _find_single_close(text, marks, 0)
        begin = _find_open(text, marks[0], 0)
        return end > 0 and CLOSES_AFTER.match(text[end - 1]) is not None and not 0 <= begin < end
    first, last = text.find(marks[0]), text.find(marks[1])
    if marks[0] != marks[1]:
        return last >= 0 and not 0 <= first < last
    return first > 0 and not text[first - 1].isspace() and not text[first + 1 : first + 2].isalnum()


def _turned(text: str) -> str:
    """The text with its curly marks by turns opening and closing, where some stand the wrong way round."""
    signs = CURLY.findall(text)
    if "".join(signs) == "“”" * (len(signs) // 2):
        return text
    depth = lowest = 0
    for sign in signs:
        depth += 1 if sign == "“" else -1
        lowest = min(lowest, depth)
    if len(signs) % 2 or (depth == 0 and lowest == 0):
        return text
    turns = cycle("“”")
    return "".join(next(turns) if sign in "“”" else sign for sign in text)


def _find_open(text: str, open_mark: str, start: int) -> int:
    if open_mark not in "'‘":
        return text.find(open_mark, start)
    for match in OPENS[open_mark].finditer(text, start):
        if not ELISION.match(text, match.start()) or match.start() == 0:
            return match.start()
    return -1


def _find_close(text: str, marks: tuple[str, str], start: int) -> int:
    open_mark, close_mark = marks
    if open_mark in "'‘":
        return _find_single_close(text, marks, start)
    depth = 0
    for match in _either_of(marks).finditer(text, start):
        at = match.start()
        if open_mark == close_mark or (match[0] == close_mark and depth == 0):
            return at
        depth += 1 if match[0] == open_mark else -1
    return -1


@cache
def _either_of(marks: tuple[str, str]) -> re.Pattern[str]:
    """Either of a pair of marks."""
    return re.compile(f"[{''.join(marks)}]")


def _find_single_close(text: str, marks: tuple[str, str], start: int) -> int:
    """Where a quotation in single marks ends, which are apostrophes as well.

    A mark behind a stop ends it. Where another quotation opens before that, a mark behind a word did: ‘No’ said Ann.
    """
    open_mark, close_mark = marks
    weak = -1
    for match in _either_of(marks).finditer(text, start):
        at = match.start()
        if OPENS[open_mark].match(text, at) and not ELISION.match(text, at):
            if weak >= 0:
                return weak
            continue
        if match[0] != close_mark or text[at + 1 : at + 2].isalnum():
            continue
        if CLOSES_AFTER.match(text[at - 1 : at]) or CLOSES_BEFORE.match(text, at + 1):
            return at
        weak = at if weak < 0 or text[weak - 1] in "sn" else weak
    return -1
