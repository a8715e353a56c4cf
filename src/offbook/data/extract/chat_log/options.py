"""What can be chosen about chat logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from offbook.data.extract.chat_log.turns import USUAL_PAUSES, Pauses

BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """How chats become rows."""

    pauses: Pauses = USUAL_PAUSES
    whole_conversations: bool = False
    """One row for each conversation instead of one for each reply."""
    max_turns: int = 40
    """A longer conversation becomes several rows."""
    max_tokens: int = 900
    """The same for its length, as `estimated_tokens` counts; also the most of a prompt (its end is kept)."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """What a table's columns hold (sender, text, time, chat, id, reply_to) → their names."""
    system: str = ""
    """A system prompt for the rows, to which whom the character talks to and when is added."""
    relations: Mapping[str, str] = field(default_factory=dict)
    """Who somebody is to the character: name → sister."""
    time_of_day: bool = False
    """Say in the system prompt on which day and at what time of the day the conversation begins."""


USUAL_OPTIONS = ChatOptions()


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has: one for four bytes of UTF-8, four letters, say.

    It errs by a third either way from one tokenizer and language to another; no tokenizer is at hand here.
    """
    return (len(text) if text.isascii() else len(text.encode(errors="replace"))) // BYTES_PER_TOKEN + 1
