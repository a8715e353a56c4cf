"""Logs with a time, a name and a text on each line, in whatever form a program or a person writes them.

12/05/2021 21:30 Ann: Is the stove lit?       2021-05-12T21:30:42Z Ann: Is the stove lit?
2021-05-12 21:30 | Ann | Is the stove lit?    (09:30:42 PM) Ann: Is the stove lit?
Ann [2021-05-12 21:30]: Is the stove lit?     Ann, [12 May 2021 at 21:30:42]:   and the text below
**Ann** 21:30: Is the stove lit?              **[21:30] Ann:** Is the stove lit?
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.lines import entries, head
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.stamps import STAMP, StampReader
from offbook.data.extract.cue import Lines

_NAME = r"[^\s:：|\t<>\[\]【】()（）\d,.;\-–—][^:：|\t\n<>【】]{0,40}?"
_MARK = r"(?:\*{1,3}|`)?"
"""Markdown about a name or a time."""
TIME_FIRST = re.compile(
    rf"^[\s\ufeff\u200e\u200f]{{0,4}}+(?:[-+*>]\s)?{_MARK}[\[(（<]?\s?{STAMP}(?:\s\|\s[^\[\]\d]{{1,20}}[\d:]{{4,8}}[^\[\]]{{0,4}}(?=\]))?\s?[\])）>]?{_MARK}"
    rf"(?:\s*[-–—|,]\s*|\s*:\s+|\s+|(?<=[\])）>])){_MARK}(?:(?P<name>live:[^\s:]{{1,60}}|<[^<>\n]{{1,40}}>|【[^【】\n]{{1,40}}】|{_NAME}){_MARK}"
    r"(?P<sign>\s?[:：](?!//)(?:\*{2,3}(?=\s))?|\s*\||\t|(?<=[>】])))\s*"
    r"(?P<text>.*)$"
)
NAME_FIRST = re.compile(
    rf"^[\s\ufeff\u200e\u200f>]{{0,4}}+(?P<name>[^\W\d_][^:：|\t\n<>【】\[\](（]{{0,40}}?)(?:\s\[[A-Z0-9]{{3,12}}\])?"
    rf"(?:\ssays)?,?\s?(?:@\s|[\[(（]){STAMP}[\])）]?\s?[:：]\s*(?P<text>.*)$"
)
BOLD_NAME = re.compile(
    r"^[\s\ufeff]{0,4}+(?:[-+*>]\s|#{1,6}\s)?\*\*(?P<name>[^\W\d][^:：|\t\n<>*]{0,40}?)(?:[:：]?\*\*)?"
    rf"[,\s·•—–|-]{{0,4}}[\[(（*`]{{0,2}}{STAMP}[\])）*`]{{0,2}}\s?(?:[:：]?\*\*)?(?:[:：]|(?=\s)|$)\s*(?P<text>.*)$"
)
PATTERNS = (TIME_FIRST, NAME_FIRST, BOLD_NAME)
FEWEST = 2
LEAST_SHARE = 0.2
"""Of a log's lines (messages may go on over several) at least so many begin a message."""
LEVELS = frozenset(["debug", "info", "notice", "warn", "warning", "error", "err", "critical", "fatal", "trace"])
"""What a program's log has in the place of a name."""


def read(lines: Lines) -> Iterator[Message]:
    """The messages of such a log."""
    first = head(lines, 3000)
    pattern = max(PATTERNS, key=lambda pattern: len(_headers(first, pattern)))
    clock = StampReader(_headers(first, pattern))
    for number, header, more in entries(lines, pattern):
        sent_at = clock.time(header)
        text = "\n".join(part.strip() for part in (header["text"], *clock.without_break(more))).strip()
        name = header["name"].strip(" <>【】")
        yield Message(name, text, number, sent_at, Content.TEXT if text else Content.MEDIA)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a log: names recur between times and texts.

    Less than any app's own format makes of lines that have its form.
    """
    return max(_likeness(sample, pattern) for pattern in PATTERNS)


def _headers(sample: Sequence[str], pattern: re.Pattern[str]) -> list[re.Match[str]]:
    return [match for line in sample if (match := pattern.match(line))]


def _likeness(sample: Sequence[str], pattern: re.Pattern[str]) -> float:
    headers = _headers(sample, pattern)
    names = Counter(header["name"].strip(" <>【】").casefold() for header in headers)
    lines = sum(bool(line.strip()) for line in sample)
    if len(headers) < max(FEWEST, LEAST_SHARE * lines) or len(names) > max(2, len(headers) / 1.5):
        return 0.0
    if names.keys() <= LEVELS:
        return 0.0
    return 0.8 * len(headers) / lines


FORMAT = ChatFormat("text_log", "a log with a time, a name and a text on each line", read, looks_like)
