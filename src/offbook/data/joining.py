"""From what a format reads in a row to turns whose roles alternate, without what nobody hears."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from offbook.core.types import Turn
from offbook.data.row_values import RowError
from offbook.data.unspoken import UNWRITTEN, without_calls, without_thoughts


def heard(turn: Turn) -> Turn | None:
    """A turn without what nobody hears in a reply; None where it is nothing but the call of a tool."""
    if turn.role != "assistant":
        return turn
    reply = without_thoughts(turn.text)
    text = without_calls(reply)
    return replace(turn, text=text) if text or not reply else None


def is_learned(turn: Turn) -> bool:
    """Whether a turn is a reply that is learned, and not only read."""
    return turn.role == "assistant" and bool(turn.weight)


def join(spoken: Iterable[Turn]) -> tuple[Turn, ...]:
    """Turns whose roles alternate after the system prompt."""
    turns: list[Turn] = []
    for turn in spoken:
        if not turn.text.strip():
            if turn.role == "assistant":
                raise RowError("a reply of the character's is empty")
            continue
        if turn.role == "assistant" and UNWRITTEN.fullmatch(turn.text):
            raise RowError("a reply of the character's is not written yet ({text})", text=turn.text)
        if turns and turns[-1].role == turn.role:
            if turn.role == "system" and turn.text == turns[-1].text:  # in a column, and once more as a turn
                continue
            if turn.role == "assistant" and turns[-1].weight != turn.weight:
                raise RowError("of two replies in a row, one is to be learned and one is not")
            turns[-1] = replace(turns[-1], text=f"{turns[-1].text}\n{turn.text}")
        elif turn.role == "system" and turns:
            raise RowError("a system prompt stands in the middle of the conversation")
        else:
            turns.append(turn if turn.role == "assistant" else replace(turn, weight=1.0))
    return tuple(turns)
