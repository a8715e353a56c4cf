"""Transcripts of recordings (Otter, Rev, Descript): their times count from the beginning, brackets hold what is heard.

Ann Hale  0:03
Okay, we are rolling. [laughs] Welcome (inaudible) to the show.
"""

from __future__ import annotations

import re

from offbook.data.extract.chat_log.message import Content, Message
from offbook.data.extract.chat_log.stamps import date_beside
from offbook.data.extract.script.line_kinds import CREDIT
from offbook.data.extract.script.names import split_notes
from offbook.data.extract.script.speech import clean

HEARD = re.compile(r"[\[(（*♪].*[\])）*♪]")
"""What is heard: [music], (laughter)."""


def is_recording(first: re.Match[str], within: int = 2) -> bool:
    """Whether a text's first time stands at the beginning of a recording: 0:03, 00:00:12.

    Args:
        first: the time.
        within: it is less than so many minutes, or seconds, where the hour is written 00, as at midnight.
    """
    return not date_beside(first) and (
        first["hour"] == "0" or (first["hour"] == "00" and int(first["minute"]) < within)
    )


def of_script(message: Message) -> Message:
    """A row of a script's table with the name and the words alone: `林晚（OS）`, `（转身）船呢？`."""
    return without_what_is_heard(message._replace(sender=split_notes(message.sender)[0]))


def without_what_is_heard(message: Message) -> Message:
    """A message of a recording with the words alone, without the transcriber's notes at its end."""
    lines = message.text.split("\n")
    while lines and (not lines[-1] or CREDIT.match(lines[-1])):
        lines.pop()
    text, _ = clean("\n".join(lines))
    if any(char.isalnum() for char in text) or not message.text:
        return message._replace(text=text)
    return message._replace(sender="", content=Content.NOTE)
