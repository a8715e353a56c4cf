"""The account of an extraction: what was taken, what was left out and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from offbook.data.extract.cue import SURE, Skipped
from offbook.data.extract.rows import Row

EXAMPLES = 3


@dataclass(slots=True)
class Summary:
    """What an extraction took, what it left out and why, with the first examples of each kind."""

    role: str
    names: tuple[str, ...]
    formats: dict[str, str]
    """File → the format it was read as."""
    taken: int = 0
    """Rows."""
    replies: int = 0
    """Replies that the rows teach: as many, or more where a row is a whole conversation."""
    unsure: int = 0
    """Rows taken of which the reader is not sure (only where a lower bound was asked for)."""
    left: dict[str, int] = field(default_factory=dict)
    """Reason → how many pieces."""
    examples: dict[str, list[str]] = field(default_factory=dict)
    """Reason → `file:line: text` of the first few."""
    likely_aliases: tuple[str, ...] = ()
    """Names that look like the same person and were not taken."""
    unread: dict[str, str] = field(default_factory=dict)
    """File → why nothing of it was read."""

    def leave_out(self, skipped: Skipped, file: str) -> None:
        """Count a piece of a file that is in no row."""
        self.left[skipped.reason] = self.left.get(skipped.reason, 0) + 1
        examples = self.examples.setdefault(skipped.reason, [])
        if len(examples) < EXAMPLES:
            examples.append(f"{file}:{skipped.line}: {skipped.text[:80]}")

    def count(self, row: Row) -> None:
        """Count a row."""
        self.taken += 1
        self.replies += sum(
            message["role"] == "assistant" and message.get("weight") != 0 for message in row["messages"]
        )
        self.unsure += row["confidence"] < SURE


class LeftOut(NamedTuple):
    """A piece of a file that is in no row."""

    file: str
    piece: Skipped
