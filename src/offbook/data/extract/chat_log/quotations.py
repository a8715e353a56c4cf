"""Who is answered, where an export quotes the words that are answered and does not say which message they are of."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from offbook.data.extract.chat_log.message import Content, Message

REMEMBERED = 2000
"""So many messages back the words are looked for."""
CUT = re.compile(r"(?:\.{3}|…)\s*$")
"""What stands behind words that are cut short."""
FEWEST = 2
"""Characters of a quotation that is looked for."""


class Quotations:
    """The messages so far, by their words."""

    def __init__(self) -> None:
        self._texts: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)

    def remember(self, text: str, identity: str) -> None:
        """Take in a message."""
        self._texts.append((_words(text), identity))

    def find(self, quoted: str) -> str:
        """The last message that has these words, or begins with them; "" where there is none."""
        words = _words(CUT.sub("", quoted.strip()))
        if len(words) < FEWEST:
            return ""
        full = (identity for text, identity in reversed(self._texts) if text == words)
        begun = (identity for text, identity in reversed(self._texts) if text.startswith(words))
        return next(full, "") or next(begun, "")


class Previews:
    """What Discord shows above an answer and copies below the message before: `@Ann`, then the words answered."""

    def __init__(self) -> None:
        self._said: deque[str] = deque(maxlen=REMEMBERED)

    def remember(self, name: str, text: str) -> None:
        """Take in a message."""
        if name and text:
            self._said.append(_squeezed(name + text))

    def without(self, name: str, body: Sequence[str]) -> Sequence[str]:
        """The lines of a message without what the next one answers, which has been said above by whom it names."""
        end = len(body)
        while end and not body[end - 1].strip():
            end -= 1
        for begin in range(end - 2, max(-1, end - 4), -1):
            shown = _squeezed("".join(body[begin:end])).removeprefix("@")
            if shown in self._said or _squeezed(name + "".join(body[:begin])).startswith(shown):
                return body[:begin]
        return body


def _squeezed(text: str) -> str:
    return "".join(text.split())


REFERENCE = re.compile(r"Begin Reference,[^\n]*\Z")
END_OF_REFERENCE = re.compile(r"^End Reference[ \t]*(?:\n|\Z)", re.MULTILINE)


def without_references(messages: Iterable[Message]) -> Iterator[Message]:
    """The messages of a copy from Teams, in which an answer has what it answers below its own name and time.

    There the name and time of what is answered stand first, then its text, then the answer. Where that text is not
    known from above, it cannot be told where the answer begins.
    """
    earlier: dict[tuple[str, int, int, int, int], str] = {}
    held: Message | None = None
    for message in messages:
        key = _moment(message)
        if held and key and (answer := _answer(held, message, earlier.get((message.sender, *key)), key)):
            held = answer
            continue
        if held:
            yield held
        held = message
        if key:
            earlier.setdefault((message.sender, *key), message.text)
    if held:
        yield held


def _moment(message: Message) -> tuple[int, int, int, int] | None:
    """Month, day, hour, minute: the year is not told at both places."""
    time = message.sent_at
    return (time.month, time.day, time.hour, time.minute) if time else None


def _answer(held: Message, quoted: Message, text: str | None, key: tuple[int, int, int, int]) -> Message | None:
    """The message `held` with its text, if what stands below it is what it answers; else None."""
    above = _moment(held)
    if not above or not held.sender or (held.text.strip() and not REFERENCE.match(held.text)):
        return None
    if text and quoted.text.startswith(f"{text}\n") and key <= above:
        answer = END_OF_REFERENCE.sub("", quoted.text[len(text) :].strip()).strip()
        return held._replace(text=answer, content=Content.TEXT if answer else Content.MEDIA)
    return held._replace(text=quoted.text, content=Content.MEDIA) if key < above else None


def _words(text: str) -> str:
    return " ".join(text.split()).casefold()
