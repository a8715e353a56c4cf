"""Messages as a computer's WeChat copies them, without times: a name and a colon above each text.

阿澈:
在吗

老汤:
[图片]

Steam's have the name beside the text and are told from a script by its notes among them:
Ann: Is the stove lit?
Tom is now Offline.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from offbook.data.extract.chat_log.formats import wechat
from offbook.data.extract.chat_log.lines import head, stand_above
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.phrases import phrases
from offbook.data.extract.chat_log.remnants import STATUS
from offbook.data.extract.cue import Lines

HEADER = re.compile(r"^\ufeff?(?P<name>[^\s:：,，。!！?？\[(（“\"][^:：,，。!！?？\[“\"]{0,20}?) ?[:：]\s*$")
BESIDE = re.compile(r"^\ufeff?(?P<name>[^\s:：\[(（\"][^:：\n\"]{0,40}?) ?: (?P<text>\S.*)$")
"""The name beside its text, as Steam has it."""
FEWEST = 3
"""So many names above texts tell such a copy."""


def read(lines: Lines) -> Iterator[Message]:
    """The messages of such a copy."""
    if _is_steam_s(head(lines, 3000)):
        yield from _from_steam(lines)
        return
    names = Counter(match["name"] for line in head(lines, 3000) if (match := HEADER.match(line)))
    name, place, body, after_blank = "", 1, list[str](), True
    for number, text in lines:
        header = HEADER.match(text)
        if header and (any(body) or not name) and (names[header["name"]] > 1 or after_blank):
            if name or body:
                yield wechat.from_text(place, name, None, body, is_signed=bool(name))
            name, place, body = header["name"], number, []
        else:
            body.append(text.strip())
        after_blank = not text.strip()
    if name:
        yield wechat.from_text(place, name, None, body)


def _from_steam(lines: Lines) -> Iterator[Message]:
    """The messages that have the name beside them; each line below goes on, or is a note."""
    names = _names_beside(head(lines, 3000))
    name, place, body = "", 1, list[str]()
    for number, text in lines:
        is_note = STATUS.match(text) is not None
        beside = None if is_note else BESIDE.match(text)
        if is_note or (beside and names[beside["name"]] > 1):
            if body:
                yield wechat.from_text(place, name, None, body, is_signed=bool(name))
            name, place, body = (beside["name"], number, [beside["text"]]) if beside else ("", number, [])
        else:
            body.append(text.strip())
        if is_note:
            yield Message("", text.strip(), number, None, Content.NOTE)
    if body:
        yield wechat.from_text(place, name, None, body, is_signed=bool(name))


def _names_beside(sample: Sequence[str]) -> Counter[str]:
    return Counter(match["name"] for line in sample if (match := BESIDE.match(line)))


def _is_steam_s(sample: Sequence[str]) -> bool:
    """Whether notes of Steam's about those who write stand among the messages, and no times."""
    names = {name for name, count in _names_beside(sample).items() if count > 1}
    notes = [line.strip() for line in sample if STATUS.match(line)]
    return bool(names) and any(note.startswith(f"{name} is ") for note in notes for name in names)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a copy, and not like a script with its names above the lines.

    What WeChat writes in the place of a picture stands in no script, and a script hardly names somebody again who
    goes on.
    """
    if _is_steam_s(sample):
        return 0.9
    lines = [line for line in sample if line.strip()]
    names = [match["name"] for line in lines if (match := HEADER.match(line))]
    if len(names) < FEWEST or len(set(names)) > max(2, len(names) / 1.5) or not stand_above(lines, HEADER):
        return 0.0
    pictures = any(line[:1] == "[" and phrases("wechat").content(line) is not Content.TEXT for line in lines)
    again = sum(name == following for name, following in pairwise(names))
    return 0.9 if pictures or 5 * again > len(names) else 0.0


FORMAT = ChatFormat("untimed", "messages as WeChat copies them without times: a name above each", read, looks_like)
