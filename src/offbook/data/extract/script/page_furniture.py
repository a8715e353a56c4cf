"""What stands at the edges of pages in a text that was copied from a book or a PDF: page numbers and running heads.

A page may end amid a speech, so that they would be read as part of it. Numbers that count chapters look the same; they
become headings.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

from offbook.data.extract.cue import Lines
from offbook.data.extract.script.headings import heading

PAGE = re.compile(r"^\W*(?i:page|seite|página|pagina|стр\.?)\s+\d{1,4}(?:\s*(?:/|of|von|de|di|из)\s*\d{1,4})?\W*$")
"""Page 12, Seite 12 von 30"""
NUMBER_ALONE = re.compile(r"^[\s\-–—\[(]*(?P<number>\d{1,4})[\s\-–—\])]*$")
"""12, - 12 -"""
HEAD = re.compile(r"^(?:(?P<left>\d{1,4})\s{2,}(?P<behind>\D+?)|(?P<before>\D+?)\s{2,}(?P<right>\d{1,4}))$")
"""THE STOVE      12, and on the other side 13      THE STOVE"""
CLOSE_HEAD = re.compile(r"^(?:(?P<left>\d{1,4})\s(?P<behind>\D+?)|(?P<before>\D+?)\s(?P<right>\d{1,4}))$")
"""The same with a single space, as text recognition leaves it: believed where such lines stand a page apart."""
APART = 10
"""Lines from one page to the next, at least, where only that tells a running head from GUARD 1."""
CHAPTER = re.compile(r"^(?P<number>\d{1,3}|[IVXLC]{1,7}|[一二三四五六七八九十百]{1,4})[.、．]?$")
"""A number alone that may head a chapter: 3, IV., 十二"""
DIGITS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
ROMANS = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
ENDS = re.compile(r"[.!?…。！？:：*][\"'”’»«“」』)）\]*_]*$")
"""How a paragraph ends."""
OPENING = frozenset('"“‘«»„‚「『—–')
"""How a paragraph begins in which somebody speaks."""
FULL = 0.8
"""A line of less than this share of the page's width ends its paragraph."""
CLAUSE_MARK = re.compile(r"[,.!?…;:，。！？；：“”\"]")
FEWEST = 3
"""So many such lines, whose numbers grow, are those of pages, and so many that count from 1 those of chapters."""
LONGEST = 80
"""Longer lines are prose."""
LONGEST_STEP = 30
"""Pages from one such number to the next, at most: a text may lack some."""
MOSTLY = 0.8
"""Share of a line's places that are beside a page's number, where it is a running head."""


def without_page_furniture(lines: Lines, prose: bool = False) -> Iterator[tuple[int, str]]:
    """The lines without page numbers and running heads, and without the blank lines beside these.

    Args:
        lines: numbered lines; they are held in memory.
        prose: whether a paragraph that ends at a page's edge stays apart from the next; a speech goes on there.
    """
    held = list(lines)
    chapters = _chapters(held)
    furniture = _furniture(held, chapters)
    if not furniture and not chapters:
        yield from held
        return
    kept = [(place, *line) for place, line in enumerate(held) if place not in furniture]
    lengths = sorted(len(text.strip()) for _, _, text in kept if text.strip())
    width = lengths[int(0.9 * (len(lengths) - 1))] if lengths else 0
    last, left_out = "", False
    for place, number, text in kept:
        left_out = left_out or place - 1 in furniture or (not text.strip() and place + 1 in furniture)
        if not text.strip() and left_out and (prose or {place - 1, place + 1} & furniture):
            continue
        if text.strip():
            is_short = len(last) < FULL * width or text.lstrip()[0] in OPENING
            if prose and left_out and ENDS.search(last) and is_short:
                yield number, ""
            last, left_out = text.strip(), False
        yield number, f"# {text.strip()}" if place in chapters else text


def _furniture(lines: list[tuple[int, str]], chapters: set[int]) -> set[int]:
    """The places of the lines that number a page, and of the running heads beside them."""
    places: set[int] = set()
    numbered: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    for place, (_, text) in enumerate(lines):
        stripped = text.strip()
        if len(stripped) > LONGEST or place in chapters or not any(map(str.isdigit, stripped[-2:] + stripped[:3])):
            continue
        if PAGE.match(stripped):
            places.add(place)
        elif alone := NUMBER_ALONE.match(stripped):
            numbered["", 0].append((place, int(alone["number"])))
        elif (head := HEAD.match(stripped) or CLOSE_HEAD.match(stripped)) and not heading(stripped):
            title = (head["behind"] or head["before"]).strip().casefold()
            apart = 0 if HEAD.match(stripped) else APART
            numbered[title, apart].append((place, int(head["left"] or head["right"])))
    pages = dict(entry for entries in numbered.values() for entry in entries)
    in_turn = sorted(entry for (_, apart), entries in numbered.items() for entry in entries if not apart)
    if all(after - before == 1 for (_, before), (_, after) in pairwise(in_turn)):
        numbered["", 0] = in_turn  # 12 alone, THE STOVE  13
    for (_, apart), entries in numbered.items():
        steps = [after - before for (_, before), (_, after) in pairwise(entries)]
        lines_between = [after - before for (before, _), (after, _) in pairwise(entries)]
        is_far = all(between >= apart for between in lines_between)
        if len(entries) >= FEWEST and is_far and all(0 < step <= LONGEST_STEP for step in steps):
            places.update(place for place, _ in entries)
    places |= _between(numbered, {place: pages[place] for place in sorted(places & pages.keys())})
    return places | _running_heads(lines, places)


def _between(numbered: dict[tuple[str, int], list[tuple[int, int]]], pages: dict[int, int]) -> set[int]:
    """The places of running heads whose number goes on from the page before to the next: of a chapter's few pages."""
    places, between = list(pages), set[int]()
    for (title, apart), entries in numbered.items():
        for place, number in entries if title and not apart else ():
            at = bisect_left(places, place)
            if 0 < at < len(places) and pages[places[at - 1]] < number < pages[places[at]]:
                between.add(place)
    return between


def _running_heads(lines: list[tuple[int, str]], places: set[int]) -> set[int]:
    """The places of the lines that stand again and again beside a page's number, and hardly anywhere else."""
    if len(places) < FEWEST:
        return set()
    beside: Counter[str] = Counter()
    heads: dict[str, set[int]] = defaultdict(set)
    for place in places:
        for step in (-1, 1):
            other = place + step
            while 0 <= other < len(lines) and abs(other - place) < 3 and not lines[other][1].strip():
                other += step
            text = lines[other][1].strip() if 0 <= other < len(lines) and other not in places else ""
            if len(text) <= LONGEST and _may_be_title(text) and not heading(text):
                beside[text.casefold()] += 1
                heads[text.casefold()].add(other)
    often = {text for text, count in beside.items() if count >= FEWEST}
    total = Counter(text for _, raw in lines if (text := raw.strip().casefold()) in often) if often else Counter[str]()
    return {place for text in often if len(heads[text]) >= MOSTLY * total[text] for place in heads[text]}


def _may_be_title(text: str) -> bool:
    """Whether a line can be a running head, The Stove or THE STOVE: its first and last words have no small letter."""
    words = text.split()
    return bool(words) and not CLAUSE_MARK.search(text) and not any(words[at][0].islower() for at in (0, -1))


def _chapters(lines: list[tuple[int, str]]) -> set[int]:
    """The places of numbers alone on their lines that count chapters: from 1 on, each behind a whole paragraph.

    Of pages some end amid a sentence, and a text seldom begins at the first.
    """
    numbers: list[tuple[int, int]] = []
    for place, (_, text) in enumerate(lines):
        stripped = text.strip("\ufeff \t\r\u3000\xa0")
        if len(stripped) > 8 or not (match := CHAPTER.match(stripped)):
            continue
        is_apart = not place or not lines[place - 1][1].strip()
        before = next((line.strip() for _, line in lines[place - 1 :: -1] if line.strip()), "") if place else ""
        after = next((line.strip() for _, line in lines[place + 1 : place + 4] if line.strip()), "")
        if not is_apart or (numbers and not ENDS.search(before)) or not after or after[0].islower():
            return set()
        numbers.append((place, _value(match["number"])))
    steps = [(after[1] - before[1], after[1], after[0] - before[0]) for before, after in pairwise(numbers)]
    counts = all((step == 1 or value == 1) and between > 2 for step, value, between in steps)
    return {place for place, _ in numbers} if len(numbers) >= FEWEST and numbers[0][1] == 1 and counts else set()


def _value(number: str) -> int:
    """What a number says, written in digits, Roman or Chinese."""
    if number.isdecimal() and number.isascii():
        return int(number)
    if number[0] in ROMANS:
        values = [ROMANS[letter] for letter in number]
        return sum(-value if value < after else value for value, after in zip(values, [*values[1:], 0], strict=True))
    total = last = 0
    for sign in number:
        if sign in DIGITS:
            last = DIGITS[sign]
        else:
            total, last = total + max(last, 1) * (10 if sign == "十" else 100), 0
    return total + last
