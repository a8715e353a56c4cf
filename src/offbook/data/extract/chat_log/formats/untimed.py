"""Messages as a computer's WeChat copies them, without times: a name and a colon above each text.

阿澈:
在吗

老汤:
[图片]

Where the name stands beside the text they are told from a script by Steam's notes among them, or by what apps write in
the place of a picture: logs whose times somebody has cut off.
Ann: Is the stove lit?          Ann: Is the stove lit?
Tom is now Offline.             Tom: <Media omitted>
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from offbook.data.extract.chat_log.formats import wechat
from offbook.data.extract.chat_log.lines import head, stand_above
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.phrases import content_of_any_app, phrases
from offbook.data.extract.chat_log.remnants import STATUS
from offbook.data.extract.cue import Lines

HEADER = re.compile(r"^\ufeff?(?P<name>[^\s:：,，。!！?？\[(（“\"][^:：,，。!！?？\[“\"]{0,20}?) ?[:：]\s*$")
BESIDE = re.compile(r"^\ufeff?(?P<name>[^\s:：\[(（<\"][^:：\n\"]{0,40}?) ?(?:: |:(?=[^\s\d/])|： ?)(?P<text>\S.*)$")
"""The name beside its text."""
LEFT_OUT = ("<", "[", "【")
"""How what apps write in the place of a picture begins. Scripts have directions in the last two."""
MUSIC = "[music]"
"""Transcripts have it, too."""
FEWEST = 3
"""So many names above texts tell such a copy."""
MOSTLY = 0.5
"""Of the lines so many begin with a name that recurs."""


def read(lines: Lines) -> Iterator[Message]:
    """The messages of such a copy."""
    if _has_names_beside(head(lines, 3000)):
        yield from _from_beside(lines)
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


def _from_beside(lines: Lines) -> Iterator[Message]:
    """The messages that have the name beside them; each line below goes on, or is a note."""
    names = _names_beside(head(lines, 3000))
    name, place, body = "", 1, list[str]()
    for number, text in lines:
        is_note = STATUS.match(text) is not None
        beside = None if is_note else BESIDE.match(text)
        if is_note or (beside and names[beside["name"]] > 1):
            if body:
                yield _message(place, name, body)
            name, place, body = (beside["name"], number, [beside["text"]]) if beside else ("", number, [])
        else:
            body.append(text.strip())
        if is_note:
            yield Message("", text.strip(), number, None, Content.NOTE)
    if body:
        yield _message(place, name, body)


def _message(place: int, name: str, body: Sequence[str]) -> Message:
    message = wechat.from_text(place, name, None, body, is_signed=bool(name))
    is_text = message.content is Content.TEXT
    return message._replace(content=content_of_any_app(message.text)) if is_text else message


def _names_beside(sample: Sequence[str]) -> Counter[str]:
    return Counter(match["name"] for line in sample if (match := BESIDE.match(line)))


def _has_names_beside(sample: Sequence[str]) -> bool:
    """Whether names stand beside what is a chat's, and no times."""
    names = _names_beside(sample)
    recurring = {name for name, count in names.items() if count > 1}
    notes = [line.strip() for line in sample if STATUS.match(line)]
    if recurring and any(note.startswith(f"{name} is ") for note in notes for name in recurring):
        return True
    lines = sum(bool(line.strip()) for line in sample)
    if len(recurring) < 2 or sum(names[name] for name in recurring) < MOSTLY * lines:
        return False
    texts = [match["text"].strip() for line in sample if (match := BESIDE.match(line))]
    marked = [text for text in texts if text.startswith(LEFT_OUT) and text.casefold() != MUSIC]
    left_out = [text for text in marked if content_of_any_app(text) is not Content.TEXT]
    return len(left_out) > 1 or any(text.startswith("<") for text in left_out)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a copy, and not like a script with its names above the lines.

    What WeChat writes in the place of a picture stands in no script, and a script hardly names somebody again who
    goes on.
    """
    if _has_names_beside(sample):
        return 0.6
    lines = [line for line in sample if line.strip()]
    names = [match["name"] for line in lines if (match := HEADER.match(line))]
    if len(names) < FEWEST or len(set(names)) > max(2, len(names) / 1.5) or not stand_above(lines, HEADER):
        return 0.0
    pictures = any(line[:1] == "[" and phrases("wechat").content(line) is not Content.TEXT for line in lines)
    again = sum(name == following for name, following in pairwise(names))
    return 0.9 if pictures or 5 * again > len(names) else 0.0


FORMAT = ChatFormat("untimed", "messages as WeChat copies them without times: a name above each", read, looks_like)
