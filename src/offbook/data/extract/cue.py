"""What every reader yields: cues (somebody says something) and what it left out, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from offbook.core.i18n import marked
from offbook.core.progress import fill

SURE = 0.9
"""Cues at least so certain are taken unless the user says otherwise."""


class Envelope(NamedTuple):
    """What a chat log says of a turn besides its sender and its text."""

    chat: str = ""
    """The chat's name, where a file holds several."""
    sent_at: datetime | None = None
    """When its first message was sent, in the time that the log is written in."""
    ids: tuple[str, ...] = ()
    """The ids of its messages."""
    reply_to: str = ""
    """The id of the message that it answers, where its sender said so."""
    mentions: tuple[str, ...] = ()
    """Names of those whom it addresses."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One thing said in one go, as in a playbook: from the speaker's name to the next speaker's."""

    speakers: tuple[str, ...]
    """Who says it, as the source names them; several where it is said in chorus, none where nobody can tell."""
    text: str
    """What is said; stage directions and actions are left out."""
    line: int
    """1-based line of the source where the cue begins."""
    scene: str | None = None
    """Scene, chapter or stretch of a chat; no two scenes of a file share a name."""
    confidence: float = 1.0
    """How certain it is that the speaker said it: 0 … 1."""
    acted: str = ""
    """The text with its stage directions and actions in place ("" where there are none)."""
    envelope: Envelope | None = None
    """Set for the turns of a chat log."""

    @property
    def speaker(self) -> str:
        """The speakers in one word ("?" where nobody can tell)."""
        return " & ".join(self.speakers) or "?"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A piece of the source that is no cue, and why."""

    reason: str
    text: str
    line: int


REASONS = (
    marked("stage direction"), marked("narration"), marked("heading"), marked("cast list"), marked("note or narration"),
    marked("nothing said"), marked("not sure who speaks"), marked("opens a conversation, answers nobody"),
    marked("a thought"), marked("something written"), marked("words in quotation marks"),
    marked("picture, voice message or file"), marked("call"), marked("sticker or reaction"), marked("deleted message"),
    marked("note of the app"), marked("forwarded from others"),
)  # fmt: skip
"""The reasons of all readers: they are translated where they are shown."""

Lines = Iterable[tuple[int, str]]
"""Numbered lines. A reader may go through them more than once: to learn the layout and the names, then to read."""

Reader = Callable[[Lines], Iterator[Cue | Skipped]]

REMEMBERED = 50_000
"""So many scenes back a name is not given twice; a chat of years has more, and no two of them begin in one minute."""


class Scenes:
    """Names of the scenes of one file, each told from the earlier ones of the same name."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._parts: list[tuple[int, str]] = []
        self.current: str | None = None

    def enter(self, heading: str, level: int = 0) -> None:
        """Begin the scene of that heading. A scene of a lower level is named after those above it: act, scene."""
        self._parts = [part for part in self._parts if part[0] < level]
        self._parts.append((level, heading))
        name = ", ".join(part for _, part in self._parts)
        count = self._seen.pop(name, 0) + 1
        self._seen[name] = count
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self.current = name if count == 1 else f"{name} ({count})"

    def split(self) -> None:
        """Begin another scene under the same headings (after a rule of asterisks, say)."""
        level, heading = self._parts[-1] if self._parts else (0, "scene")
        self.enter(heading, level)


EXPORT_AGAIN = marked("Export it again, or fix that place.")


class ParseError(Exception):
    """A source that its reader cannot go on with.

    Args:
        line: where, 1-based.
        why: a template in English; it is translated.
        fix: what to do about it, in English.
        fields: what stands in `why`.
    """

    def __init__(self, line: int, why: str, fix: str = EXPORT_AGAIN, **fields: object) -> None:
        self.line = line
        self.why = fill(why, fields)
        self.fix = fix
        super().__init__(self.why)
