"""Messages to turns: bursts are joined, and conversations parted where an answer would answer something unseen."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from offbook.data.extract.chat_log.message import Content, Message
from offbook.data.extract.chat_log.times import is_dated
from offbook.data.extract.cue import Cue, Envelope, Scenes, Skipped

MINUTE = timedelta(minutes=1)
REASONING = re.compile(r"(?:<think(?:ing)?>|\A(?:(?!<think).)*?).*?</think(?:ing)?>\s*", re.DOTALL)
"""What a model thinks before it answers: it is not said."""
MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Marks of writing direction, which apps set about names: nobody types them after `--role`."""
QUOTED = re.compile(r"(?:>[^\n]*\n)+(?=\s*[^\s>])")
MARK_OF_QUOTE = re.compile(r"^>+", re.MULTILINE)
REMEMBERED = 2000
"""So many messages back the words are looked for."""
FOREVER = 1e9
"""Minutes: longer than any chat, and no more than a timedelta holds."""


@dataclass(frozen=True, slots=True)
class Pauses:
    """The times, in minutes, that part a chat."""

    burst: float = 2
    """Messages of one sender, so close to each other, are one turn."""
    silence: float = 180
    """After so long a silence the next message begins another conversation and answers nothing."""


USUAL_PAUSES = Pauses()


def to_cues(messages: Iterable[Message], pauses: Pauses = USUAL_PAUSES) -> Iterator[Cue | Skipped]:
    """Each turn as a cue, and each message that holds no text as a skipped piece.

    A turn is a burst: messages of one sender, none of another's between, close in time, its texts joined by newlines.
    A scene is a conversation. Silence, a call and another chat begin a new one; so does a message that follows a
    picture, a voice message or a file of somebody else's, since it answers what is not in the text.
    """
    turns = _Turns(pauses)
    quoted = _QuotedLines()
    for each in messages:
        message = each._replace(text=REASONING.sub("", each.text)) if "</think" in each.text else each
        if not message.sender.isascii():
            message = message._replace(sender=MARKS.sub("", message.sender).strip())
        if message.content is Content.TEXT and message.text.strip():
            text = quoted.without(message.sender, message.text)
            message = message if text is message.text else message._replace(text=text)
            yield from turns.add_text(message)
        else:
            reason = message.content.value or Content.NOTE.value
            yield Skipped(reason, message.text.strip() or message.sender, message.line)
            yield from turns.add_other(message)
    yield from turns.end()


class _QuotedLines:
    """Words of an earlier message, with `>` before each line of them, above the answer."""

    def __init__(self) -> None:
        self._texts: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)

    def without(self, sender: str, text: str) -> str:
        """The text of the next message without such lines; lines that nobody has written before are its own."""
        lines = QUOTED.match(text) if text.startswith(">") else None
        if lines:
            words = _squeezed(MARK_OF_QUOTE.sub("", lines[0])).rstrip("….")
            if words and any(_begins(*earlier, words) for earlier in reversed(self._texts)):
                text = text[lines.end() :].strip()
        self._texts.append((sender, text))
        return text


def _begins(sender: str, text: str, words: str) -> bool:
    """Whether a message begins with words, before which may stand who wrote it."""
    begun = _squeezed(text)
    without_name = words.removeprefix(_squeezed(sender)).lstrip(":：")
    return begun.startswith(words) or bool(without_name and begun.startswith(without_name))


def _squeezed(text: str) -> str:
    return "".join(text.split())


class _Turns:
    """The turn that is being gathered, and what has happened since."""

    def __init__(self, pauses: Pauses) -> None:
        self._burst_pause = min(pauses.burst, FOREVER) * MINUTE
        self._silence = min(pauses.silence, FOREVER) * MINUTE
        self._scenes = Scenes()
        self._burst: list[Message] = []
        self._last: Message | None = None
        """The last message of a person's, whatever it holds."""
        self._sent_media = ""
        """Who sent a picture, voice message or file after the last text."""
        self._called = False

    def add_text(self, message: Message) -> Iterator[Cue]:
        """Take a message in; the turn before it is handed out if it does not belong to it."""
        starts = self._starts_conversation(message)
        if starts or not self._continues_burst(message):
            yield from self.end()
        if starts:
            self._enter(message)
        self._burst.append(message)
        self._last, self._sent_media, self._called = message, "", False

    def add_other(self, message: Message) -> Iterator[Cue]:
        """Take in a message without text; it ends the turn of anybody else."""
        self._called |= message.content is Content.CALL
        if not message.sender:
            return
        if self._burst and self._burst[-1].sender != message.sender:
            yield from self.end()
        if self._last and self._last.chat == message.chat and not self._is_silent(message):
            self._last = message
        if message.content is Content.MEDIA:
            self._sent_media = message.sender

    def end(self) -> Iterator[Cue]:
        """Hand out the turn that is being gathered."""
        if not self._burst:
            return
        burst, self._burst = self._burst, []
        first = burst[0]
        envelope = Envelope(
            first.chat,
            first.sent_at,
            tuple([message.id for message in burst if message.id]),
            "".join([message.reply_to for message in burst if message.reply_to][:1]),
            tuple(dict.fromkeys([name for message in burst for name in message.mentions])),
        )
        text = "\n".join([message.text.strip() for message in burst]) if len(burst) > 1 else first.text.strip()
        yield Cue((first.sender,), text, first.line, self._scenes.current, envelope=envelope)

    def _starts_conversation(self, message: Message) -> bool:
        if self._last is None or self._scenes.current is None or message.chat != self._last.chat:
            return True
        answers_media = bool(self._sent_media) and self._sent_media != message.sender
        return self._called or answers_media or self._is_silent(message)

    def _continues_burst(self, message: Message) -> bool:
        if not self._burst or self._burst[-1].sender != message.sender:
            return False
        replies_to = message.reply_to
        if replies_to and all(earlier.reply_to != replies_to for earlier in self._burst):
            return False
        return not self._is_apart(message, self._burst[-1], self._burst_pause)

    def _is_silent(self, message: Message) -> bool:
        return self._last is not None and self._is_apart(message, self._last, self._silence)

    @staticmethod
    def _is_apart(message: Message, earlier: Message, pause: timedelta) -> bool:
        if message.sent_at is None or earlier.sent_at is None:
            return False
        return abs(message.sent_at - earlier.sent_at) > pause

    def _enter(self, message: Message) -> None:
        time = "chat"
        if sent_at := message.sent_at:
            time = f"{sent_at:%Y-%m-%d %H:%M}" if is_dated(sent_at) else f"{sent_at:%H:%M}"
        self._scenes.enter(f"{message.chat}, {time}" if message.chat else time)
