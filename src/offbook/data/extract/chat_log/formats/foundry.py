"""Foundry's log of a table's game, as it exports its chat: time and name above the text, a rule between messages.

[2/2/2024, 8:05:11 PM] Mara
Is it lit?
---------------------------
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from offbook.core.patterns import lazy_pattern
from offbook.data.extract.chat_log.lines import entries, head
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.stamps import STAMP, StampReader
from offbook.data.extract.cue import Lines

HEADER = lazy_pattern(rf"^\[{STAMP}\] (?P<name>\S.*?)\s*$")
RULE = re.compile(r"^-{20,}$")
ROLL = re.compile(r"(?m)^[^a-z\n]*\d*d\d+\b.*=\s*-?\d+\s*$")
"""1d20 + 4 = 11 + 4 = 15: what the dice show."""
FEWEST = 2


def read(lines: Lines) -> Iterator[Message]:
    """The messages of such a log; rolls are notes."""
    clock = StampReader(header for text in head(lines, 3000) if (header := HEADER.match(text)))
    for number, header, more in entries(lines, HEADER):
        text = "\n".join(part.strip() for part in more if not RULE.match(part.strip())).strip()
        content = Content.NOTE if not text or ROLL.search(text) else Content.TEXT
        yield Message(header["name"], text, number, clock.time(header), content)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a log: 0 or 1; rules stand right above the headers."""
    lines = [line.strip() for line in sample if line.strip()]
    parted = sum(bool(RULE.match(rule) and HEADER.match(header)) for rule, header in pairwise(lines))
    return float(bool(lines) and HEADER.match(lines[0]) is not None and parted >= FEWEST)


FORMAT = ChatFormat("foundry", "the chat log of Foundry VTT", read, looks_like)
