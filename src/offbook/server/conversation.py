"""From a client's messages to the character's prompt: whose system prompt, and as many turns as there is room for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from offbook.core.persona import Persona
from offbook.core.types import Turn

SystemPolicy = Literal["append", "replace", "force"]
SYSTEM_POLICIES: tuple[SystemPolicy, ...] = get_args(SystemPolicy)
"""What a client's system prompt does: follow the character's own, stand in its place, or nothing."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Token ids that the model is to continue."""

    ids: list[int]
    dropped_messages: int = 0
    """Oldest turns that were left out for want of room."""


class ContextOverflowError(Exception):
    """The prompt does not fit, even without its oldest turns.

    Args:
        tokens: of the shortest prompt that was tried.
    """

    def __init__(self, tokens: int) -> None:
        super().__init__(f"{tokens} tokens do not fit")
        self.tokens = tokens


def system_text(persona: Persona, turns: Sequence[Turn], policy: SystemPolicy) -> str | None:
    """The system prompt of a conversation under a policy; a client's empty one counts as none."""
    character = persona.system
    sent = "\n\n".join(turn.text for turn in turns if turn.role == "system" and turn.text.strip())
    if not sent or policy == "force":
        return character
    if policy == "replace" or character is None or character.strip() in sent:
        return sent
    return f"{character}\n\n{sent}"


def spoken_turns(turns: Sequence[Turn]) -> list[Turn]:
    """What is said, by user and character in turn: empty turns left out, neighbours of one speaker joined."""
    joined: list[Turn] = []
    for turn in turns:
        if turn.role == "system" or not turn.text.strip():
            continue
        if joined and joined[-1].role == turn.role:
            joined[-1] = Turn(turn.role, f"{joined[-1].text}\n{turn.text}")
        else:
            joined.append(turn)
    return joined


def fit(
    turns: Sequence[Turn],
    *,
    pinned: int,
    room: int,
    encode: Callable[[Sequence[Turn]], list[int]],
    count: Callable[[str], int],
) -> Prompt:
    """Encode a conversation, without its oldest exchanges where it is longer than `room`.

    They are dropped in blocks of an eighth of the room. A talk that goes on therefore keeps its beginning for a while,
    and engines need not read the rest again for each message.

    Args:
        turns: the conversation.
        pinned: how many turns at its beginning stay in any case (system prompt, greeting).
        room: tokens that the prompt may have.
        encode: ids of a conversation, up to where the character speaks.
        count: tokens of a text, roughly.

    Raises:
        ContextOverflowError: the last exchange alone does not fit.
    """
    ids = encode(turns)
    if len(ids) <= room:
        return Prompt(ids)
    counts = [count(turn.text) for turn in turns]
    overhead = max(len(ids) - sum(counts), 0) / len(turns)  # what the template writes around a turn
    block = max(room // 8, 1)
    surplus = -(-(len(ids) - room) // block) * block
    starts = [index for index in range(pinned + 1, len(turns)) if turns[index].role == "user"]
    for start in starts:
        dropped = sum(counts[pinned:start]) + overhead * (start - pinned)
        if dropped < surplus and start != starts[-1]:
            continue
        ids = encode([*turns[:pinned], *turns[start:]])
        if len(ids) <= room:
            return Prompt(ids, start - pinned)
    raise ContextOverflowError(len(ids))
