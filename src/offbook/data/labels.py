"""Names that stand before replies (`Mara: Since four.`): they are written and not said.

unlabelled(Turn("assistant", "Mara: Since four."), "Mara")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from offbook.core.errors import UsageError
from offbook.core.text import normalize
from offbook.core.types import Conversation, Turn
from offbook.data.dialogues import SPEECH, with_manner

FEW_REPLIES = 3
"""Fewer replies may begin with the same word and a colon by chance."""


def unlabelled(turn: Turn, character: str | None) -> Turn:
    """A reply without the character's own name before it (`Mara: Since four.`), which is written and not said."""
    speech = SPEECH.fullmatch(turn.text) if character and turn.role == "assistant" else None
    if speech is None or not speech["text"].strip() or normalize(speech["name"]) != normalize(str(character)):
        return turn
    return replace(turn, text=with_manner(speech["text"], speech["manner"]))


def refuse_labels(conversations: Sequence[Conversation]) -> None:
    """Refuse rows whose replies all begin with one and the same name: it would be learned as speech.

    Raises:
        UsageError: they do.
    """
    labels = set()
    for conversation in conversations:
        speech = SPEECH.fullmatch(conversation.turns[-1].text)
        labels.add(speech["name"] if speech and speech["text"].strip() else "")
        if len(labels) > 1:
            return
    name = next(iter(labels), "")
    if name and len(conversations) >= FEW_REPLIES:
        raise UsageError(
            "{origin}: this reply and all others begin with '{name}:', which would be learned as speech",
            "If that is the character's name, say so with --persona.name, and it is left out; if not, delete it.",
            origin=conversations[0].origin,
            name=name,
        )
