"""What a row says, as rows are compared: one definition for removing, splitting and measuring."""

from __future__ import annotations

from offbook.core.types import Conversation


def prompt_text(conversation: Conversation) -> str:
    """All that the last reply answers, the system prompt aside; "" where the character opens."""
    return "\n".join(turn.text for turn in conversation.turns[:-1] if turn.role != "system")


def body(conversation: Conversation) -> str:
    """The replies that are learned, and what they answer.

    What stands before the last reply that is only read is context; it is another row's body, and would make
    neighbours look like copies of each other.
    """
    turns = conversation.turns
    start = max((place + 1 for place, turn in enumerate(turns) if not turn.weight), default=0)
    return "\n".join(turn.text for turn in turns[start:] if turn.role != "system")
