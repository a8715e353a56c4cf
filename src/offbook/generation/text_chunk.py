"""A bit of a reply, as every engine gives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StopReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class TextChunk:
    """A bit of a reply. The last one of a reply says why it ended; the others have no `stop_reason`.

    While a long prompt is being read, chunks come that hold nothing yet: no text, 0 tokens.
    """

    text: str
    tokens: int
    """Tokens generated so far, the stop token included."""
    stop_reason: StopReason | None = None
