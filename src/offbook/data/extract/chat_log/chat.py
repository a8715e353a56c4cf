"""What chat logs share: messages with a sender and a time, parted into conversations by silence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from offbook.data.extract.cue import Cue, Scenes, Skipped

PAUSE = timedelta(hours=3)
"""After so long a silence the next message begins another conversation and answers nothing."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat."""

    sender: str
    text: str
    line: int
    when: datetime | None
    left: str = ""
    """Why it is no cue: a picture, a note of the app's own."""


def to_cues(messages: Iterable[Message]) -> Iterator[Cue | Skipped]:
    """Each message a cue; a scene is a stretch without a long silence, named by the time of its first message."""
    scenes = Scenes()
    last: datetime | None = None
    for message in messages:
        text = message.text.strip()
        if message.left or not text:
            yield Skipped(message.left or "no text", text or message.sender, message.line)
            continue
        silent = last and message.when and abs(message.when - last) > PAUSE
        if scenes.current is None or silent:
            scenes.enter(f"{message.when:%Y-%m-%d %H:%M}" if message.when else "chat")
        last = message.when or last
        yield Cue((message.sender,), text, message.line, scenes.current)


def iso_time(text: object) -> datetime | None:
    """The time in ISO 8601, without its zone; None where it is none."""
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=None)
    except ValueError:
        return None
