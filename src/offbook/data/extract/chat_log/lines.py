"""Text exports in which a line begins each message and the lines below go on with it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Protocol

from offbook.core.patterns import lazy_pattern
from offbook.data.extract.cue import Lines

NAME_BEGIN = r"(?:(?:[~～\u2600-\u27bf\U0001f000-\U0001faff]\ufe0f?\s?){0,3}[^\W\d]|\d{1,4}(?=[^\W\d]))"
"""How the name of somebody in a chat begins: people set emoji before it, and some begin with a number (1号)."""


NAME_LENGTH, LONG_NAME_LENGTH = "{0,40}?", "{0,200}?"
"""How long most names are at most, and how long people make them: what is longer than most may be a sentence."""


class Header(Protocol):
    """What tells the lines that begin a message."""

    def match(self, line: str, /) -> re.Match[str] | None:
        """The parts of such a line; None for another one."""


@dataclass(frozen=True, slots=True)
class _WithLongNames:
    pattern: re.Pattern[str]
    longer: re.Pattern[str]
    names: frozenset[str]
    part: str

    def match(self, line: str, /) -> re.Match[str] | None:
        if match := self.pattern.match(line):
            return match
        match = self.longer.match(line)
        return match if match and match[self.part] in self.names else None


def with_long_names(pattern: re.Pattern[str], sample: Iterable[str], part: str = "name") -> Header:
    """A pattern whose names are of NAME_LENGTH, and the longer names that come back in a sample.

    Without them the messages of whoever has such a name would go on with those above. `part` is the name's group.
    """
    longer = lazy_pattern(pattern.pattern.replace(NAME_LENGTH, LONG_NAME_LENGTH))
    matches = (longer.match(line) for line in sample if not pattern.match(line))
    names = Counter(match[part] for match in matches if match and match[part])
    recurring = frozenset(name for name, count in names.items() if count > 1)
    return _WithLongNames(pattern, longer, recurring, part) if recurring else pattern


def entries(lines: Lines, header: Header) -> Iterator[tuple[int, re.Match[str], list[str]]]:
    """Each line that the pattern matches: its number, the match, and the lines below it up to the next."""
    begun: tuple[int, re.Match[str], list[str]] | None = None
    for number, text in lines:
        if match := header.match(text):
            if begun:
                yield begun
            begun = number, match, []
        elif begun:
            begun[2].append(text)
    if begun:
        yield begun


MARKDOWN = re.compile(
    r"^\s{0,3}(?:#{1,6}\s+(?:[^\w\s*(\[]+\s+)?|[-+*>]\s+(?=[*_`]))|[:：](?=(?:\*\*|__)(?!\w))|\*\*|__|(?<!\w)[*_`](?=\S)|(?<=\S)[*_`](?!\w)"
)
"""What Markdown sets before a heading or list item and about what is bold, italic or code; the colon of `**Name:**`."""


def without_markdown(line: str) -> str:
    """A line of names and times without Markdown's marks."""
    return MARKDOWN.sub("", line).strip()


def head(lines: Lines, count: int = 400) -> list[str]:
    """The first lines of a file."""
    return [text for _, text in islice(lines, count)]


def size_of(sample: Sequence[str]) -> int:
    """The bytes of a sample's text."""
    return sum(len(line.strip().encode()) for line in sample)


def share(sample: Sequence[str], pattern: re.Pattern[str]) -> float:
    """The share of a sample's lines (blank ones aside) that a pattern matches."""
    texts = [line for line in sample if line.strip()]
    return sum(bool(pattern.match(line)) for line in texts) / len(texts) if texts else 0.0


def stand_above(sample: Sequence[str], header: re.Pattern[str]) -> bool:
    """Whether the lines that a pattern matches have a text below them, and not beside what it matches.

    Where the next line is such a line too, again and again, a line holds its text itself.
    """
    headers = [bool(header.match(line)) for line in sample if line.strip()]
    followed = sum(above and not below for above, below in pairwise([*headers, True]))
    return 2 * followed >= sum(headers)


def json_keys(sample: Sequence[str]) -> frozenset[str]:
    """The names of the fields at the head of a JSON file."""
    return frozenset(re.findall(r'"([\w ]{1,40})"\s*:', "\n".join(sample[:800])[:100_000]))


def first_keys(sample: Sequence[str]) -> frozenset[str]:
    """The fields of the first object of a list or of JSON Lines, without those within them."""
    text = "\n".join(sample[:800]).lstrip("\ufeff \t\r\n[")
    try:
        first, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return frozenset()
    return frozenset(first) if isinstance(first, dict) else frozenset()


def is_json(sample: Sequence[str]) -> bool:
    """Whether a text begins as a JSON object or a list of them."""
    return re.match(r'[\s\ufeff]*(?:\{\s*["}]|\[\s*[\[{"\]])', "\n".join(sample[:20])) is not None
