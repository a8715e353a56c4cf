"""Texts that are no scripts though names stand in them: the records of programs, which have a time at each line."""

from __future__ import annotations

import re
from collections.abc import Sequence

CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?:\s?[AaPp]\.?[Mm]\.?)?"
STAMPED = re.compile(rf"\[{CLOCK}\]")
"""[21:30] [IC] Ann: …"""
CLOCK_ALONE = re.compile(CLOCK)
"""What stands above a message that was copied from a page."""
COLUMNS = re.compile(r"[A-Za-z_]+(?:,[A-Za-z_]+){2,}")
"""id,text,file: the names of a table's columns."""
MOST = 0.6


def is_log(sample: Sequence[str]) -> bool:
    """Whether the lines of a text have times or are a table's, so that it is a chat or a record and no script."""
    lines = [text for line in sample if (text := line.strip())]
    if not lines:
        return False
    if CLOCK_ALONE.fullmatch(lines[0]):
        return True
    if COLUMNS.fullmatch(lines[0]):
        return all(line.count(",") >= lines[0].count(",") for line in lines[1:])
    return sum(STAMPED.match(line) is not None for line in lines) > MOST * len(lines)
