"""What the text beside a turn of a novel's dialogue tells of who speaks there."""

from __future__ import annotations

from dataclasses import dataclass, field

UNNAMED = "?"
"""Who speaks where somebody does whose name is not known."""


@dataclass(slots=True)
class SpeakerEvidence:
    """A turn: the quoted pieces of one speaker, and what the text beside them tells."""

    places: list[tuple[int, int]]
    """(paragraph, which of its quoted pieces) of what belongs to the turn."""
    kind: str = "none"
    """What tells: "name", "subject" (of the sentence before), "described", "pronoun", "action" or "none"."""
    named: str = ""
    """The one who speaks, as `label` has it, where a name or a description tells it."""
    spelled: str = ""
    """The same as it is written there."""
    also: str = ""
    """Who speaks with them, as it is written."""
    gender: str = ""
    several: bool = False
    """Whether they say it."""
    actor: str = ""
    """Who acts beside the quoted piece."""
    actor_gender: str = ""
    told_of: set[str] = field(default_factory=set)
    """Who is named in the narration of the paragraph."""
    nearby: set[str] = field(default_factory=set)
    """Who else may speak here, though nothing says so: where few are named, whoever is named beside it."""
    refers: str = ""
    """Whom its pronoun means if that is the last one named so in the paragraph."""
    addressed: set[str] = field(default_factory=set)
    spoken_of: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    """Forms of address that are nobody's name in a tag."""
    speech: str = ""
    gap: int = 0
    """Paragraphs of narration before it."""
    before: list[str] = field(default_factory=list)
    """Who is named in the narration before it, in order; the subject of its last sentence comes last."""

    def may_go_on_with(self, other: SpeakerEvidence) -> bool:
        """Whether the next paragraph's turn can be the same speaker's, whose quotation was left open."""
        return not self.named or not other.named or self.named == other.named

    def go_on_with(self, other: SpeakerEvidence) -> None:
        """Take in the turn of the next paragraph."""
        self.places += other.places
        self.addressed |= other.addressed
        self.spoken_of |= other.spoken_of
        self.calls |= other.calls
        self.speech += " " + other.speech
        if not self.named:
            self.named, self.spelled = other.named, other.spelled
            self.kind = other.kind if self.kind == "none" else self.kind
            self.gender = self.gender or other.gender
