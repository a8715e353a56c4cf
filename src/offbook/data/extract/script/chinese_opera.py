"""Chinese plays of old, whose speakers stand in brackets within the text.

    （旦云）婆婆，你请坐。（卜儿云）我不坐。

A bracket that begins with a role, or with a name that such brackets bear elsewhere, gives that role the word; others
(（唱）, （做见科，云）) tell how it goes on. So the plays of the Yuan and Ming are printed, and kunqu.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator

from offbook.data.extract.cue import SURE, Cue, Lines, Scenes, Skipped
from offbook.data.extract.script.headings import heading, is_rule
from offbook.data.extract.script.names import CJK
from offbook.data.extract.script.speech import clean, join
from offbook.data.extract.word_lists import load, one_of

CHINESE = load("script", "zh")
ROLES = CHINESE["role"]
BRACKET = re.compile(r"[（(〔\[](?P<text>[^（()）〔〕\[\]]{1,40})[）)〕\]]")
_SPEAKS = one_of(CHINESE["speak_in_brackets"])
SPEAKS = re.compile(rf"{_SPEAKS}$")
"""旦云, 正旦唱, 卜儿诗云"""
NAMED = re.compile(rf"^(?P<name>[{CJK}]{{1,5}}?){_SPEAKS}$")
HOW = re.compile(rf"^(?:{one_of(CHINESE['manner_in_brackets'])})*$|[做作科介]")
"""带, 背, 又: how somebody goes on, and no name."""
LEAVES = re.compile(r"下[。]?$")
ACTS = re.compile(r"科[。]?$")
FEWEST = 4
SHARE = 0.25
"""Share of the lines that hold a role in brackets, at least."""


def looks_like(sample: list[str]) -> float:
    """How much a text looks like such a play: 0 or 1."""
    numbered = list(enumerate(sample, 1))
    names = _names(numbered)
    given: Counter[str] = Counter()
    for text in _brackets(numbered):
        name = _speaker(text, names)
        if name and (text in (name, f"{name}上") or SPEAKS.search(text)):
            given[name] += 1
    lines = sum(bool(line.strip()) for line in sample)
    of_roles = sum(count for name, count in given.items() if name in ROLES)
    return float(len(given) > 1 and of_roles >= 2 and given.total() >= max(FEWEST, SHARE * lines))


def read(lines: Lines) -> Iterator[Cue | Skipped]:
    """The cues of such a play. Goes through the lines twice: for the names, and to read."""
    names = _names(lines)
    scenes = Scenes()
    speaker, begin, parts = "", 0, list[str]()
    for number, raw in lines:
        line = raw.strip()
        if not line:
            continue
        if (title := heading(line)) or is_rule(line):
            yield from _finish(speaker, parts, begin, scenes, names)
            speaker, parts = "", []
            scenes.enter(title[1], title[0]) if title else scenes.split()
            yield Skipped("heading", line, number)
            continue
        begin = begin if parts else number
        parts.append("")
        for text, bracket in _pieces(line):
            name = _speaker(bracket, names)
            if bracket and (name or LEAVES.search(bracket)) and not ACTS.search(bracket):
                yield from _finish(speaker, parts, begin, scenes, names)
                speaker = "" if LEAVES.search(bracket) else name
                begin, parts = number, [f"（{bracket}）"]
            elif bracket:
                parts[-1] += f"（{bracket}）"
            parts[-1] += text
    yield from _finish(speaker, parts, begin, scenes, names)


def _names(lines: Lines) -> dict[str, float]:
    """The roles, and what else stands in brackets before a verb of speech, with how certain it is that it is a name."""
    counts = Counter(match["name"] for text in _brackets(lines) if (match := NAMED.match(text)))
    names = {name: count for name, count in counts.items() if (count > 1 or len(name) > 1) and not HOW.search(name)}
    return {name: 1.0 if count > 1 else SURE for name, count in names.items()} | dict.fromkeys(ROLES, 1.0)


def _brackets(lines: Lines) -> Iterator[str]:
    return (bracket["text"].strip() for _, line in lines for bracket in BRACKET.finditer(line))


def _speaker(bracket: str, names: Container[str]) -> str:
    """The role or name that a bracket begins with, the longest; "" where it begins with none."""
    return next((bracket[:end] for end in range(min(6, len(bracket)), 0, -1) if bracket[:end] in names), "")


def _pieces(line: str) -> Iterator[tuple[str, str]]:
    """The text behind each bracket and the bracket; first the text before all."""
    end, before = 0, ""
    for bracket in BRACKET.finditer(line):
        yield line[end : bracket.start()], before
        end, before = bracket.end(), bracket["text"].strip()
    yield line[end:], before


def _finish(
    speaker: str, parts: list[str], begin: int, scenes: Scenes, names: dict[str, float]
) -> Iterator[Cue | Skipped]:
    speech = join([part.strip() for part in parts if part.strip()])
    words, acted = clean(speech)
    if not any(char.isalnum() for char in words):
        if acted or words:
            yield Skipped("stage direction", acted or words, begin)
    elif speaker:
        yield Cue((speaker,), words, begin, scenes.current, names[speaker], acted)
    else:
        yield Skipped("narration", words, begin)
