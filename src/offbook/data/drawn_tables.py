"""Tables that are drawn in text, as Markdown, psql and mysql have them: their lines as CSV.

as_csv("| Lit? | Since four. |")    # "Lit?,Since four."
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

RULE = re.compile(r"\s*(?=[^|+]*[|+])[|+]?\s*:?[-=]{2,}[-=+|:\s]*|\s*\|\s*:?-+[-|:\s]*")
"""The line below the names of the columns, or around the table."""
COUNT = re.compile(r"\s*\(?\d+ rows?\b.*", re.IGNORECASE)
BAR = re.compile(r"(?<!\\)\|")
BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def is_drawn(head: Sequence[str]) -> bool:
    """Whether the first lines of a text are those of a drawn table: names of columns with bars between, and a rule."""
    lines = [line.rstrip("\n") for line in head if line.strip()]
    names, rule = lines[1:3] if lines and RULE.fullmatch(lines[0]) else [*lines[:2], "", ""][:2]
    return BAR.search(names) is not None and RULE.fullmatch(names) is None and RULE.fullmatch(rule) is not None


def as_csv(line: str) -> str:
    """A line of the table as CSV; an empty one where it is drawn, or counts the rows."""
    text = line.strip()
    if not text or RULE.fullmatch(text) or COUNT.fullmatch(text):
        return "\n"
    cells = BAR.split(text.removeprefix("|").removesuffix("|"))
    row = io.StringIO()
    csv.writer(row, lineterminator="\n").writerow(BREAK.sub("\n", cell.strip().replace("\\|", "|")) for cell in cells)
    return row.getvalue()
