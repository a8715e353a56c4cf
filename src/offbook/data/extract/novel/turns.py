"""Who speaks in a scene, from the turns of its paragraphs: the part of attribution that all languages share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from offbook.data.extract.novel.attribution import NOBODY, Attribution, confidence, has_class
from offbook.data.extract.novel.dialogue import Turn, speakers, weights
from offbook.data.extract.novel.evidence import UNNAMED, SpeakerEvidence
from offbook.data.extract.novel.features import Measurer
from offbook.data.extract.novel.quotes import TextSpan

FAR = 4
"""So many paragraphs of narration end a run of turns in most languages."""
LONGEST_RUN = 60
"""A longer run of turns is ended before a turn whose tag names the speaker."""
MOST_CANDIDATES = 8
AROUND = 3
"""Two people talk by themselves if nobody else speaks in so many turns before and after."""


class EvidenceGatherer(Protocol):
    """What is particular to a language: how its paragraphs tell who speaks."""

    def turns(self, number: int, pieces: Sequence[TextSpan]) -> tuple[list[SpeakerEvidence], dict[int, str]]:
        """The turns of a paragraph, and which of its quoted pieces are not spoken, with the reason."""

    def see(self, narration: Sequence[Sequence[TextSpan]]) -> list[str]:
        """Who is named in some paragraphs of narration, in order; the subject of the last sentence comes last."""


class TurnTaking:
    """Attributes the quoted lines of a scene by the evidence of its turns and the taking of turns.

    Args:
        language: whose weights and confidences count.
        gatherer: turns paragraphs into turns.
        measurer: turns their evidence into numbers.
        far: so many paragraphs of narration end a run of turns.
    """

    def __init__(self, language: str, gatherer: EvidenceGatherer, measurer: Measurer, far: int = FAR) -> None:
        self._language = language
        self._gatherer = gatherer
        self._measurer = measurer
        self._far = far

    def attribute(self, scene: Sequence[Sequence[TextSpan]]) -> list[list[Attribution]]:
        """The speaker of each quoted piece of each paragraph of a scene."""
        answers = [[Attribution((), NOBODY)] * sum(piece.is_quote for piece in pieces) for pieces in scene]
        run: list[SpeakerEvidence] = []
        quiet, goes_on = 0, False
        for number, pieces in enumerate(scene):
            turns, unspoken = self._gatherer.turns(number, pieces)
            for place, reason in unspoken.items():
                answers[number][place] = Attribution((), NOBODY, reason)
            if not turns:
                quiet += 1
                continue
            if goes_on and run and not quiet and pieces[0].is_quote and run[-1].may_go_on_with(turns[0]):
                run[-1].go_on_with(turns.pop(0))
            longest = LONGEST_RUN if turns and turns[0].kind == "name" else 2 * LONGEST_RUN
            if turns and run and (quiet >= self._far or len(run) >= longest):
                self._settle(run, answers)
                run = []
            if turns:
                turns[0].gap = quiet
                turns[0].before = self._gatherer.see(scene[max(0, number - max(quiet, 1)) : number])
            run += turns
            quiet, goes_on = 0, pieces[-1].is_quote and pieces[-1].open
        self._settle(run, answers)
        return answers

    def _settle(self, run: Sequence[SpeakerEvidence], answers: list[list[Attribution]]) -> None:
        """Work out a run of turns and write down the answers."""
        candidates = self._candidates(run)
        turns = [Turn(each.gap, each.named or None, each.kind) for each in run]
        values = self._measurer.measure(run, candidates)
        answered = speakers(turns, candidates, values, weights(self._language))
        heard = [evidence.named or name for evidence, (name, _) in zip(run, answered, strict=True)]
        for place, (evidence, (name, probability)) in enumerate(zip(run, answered, strict=True)):
            speaker = evidence.spelled or name
            kind = self._kind(evidence.kind, heard[max(0, place - AROUND) : place + AROUND + 1])
            certainty = confidence(self._language, kind, probability) if speaker else NOBODY
            for paragraph, quoted in evidence.places:
                names_of = tuple(name for name in (speaker, evidence.also) if name)
                answers[paragraph][quoted] = Attribution(names_of, certainty)

    def _kind(self, kind: str, around: Sequence[str | None]) -> str:
        """What tells who speaks; where nothing does and two people talk by themselves, "pair" (if it has a class)."""
        by_themselves = kind == "none" and len(set(around)) <= 2
        return "pair" if by_themselves and has_class(self._language, "pair") else kind

    def _candidates(self, run: Sequence[SpeakerEvidence]) -> list[str]:
        """Who may speak in a run: those who are named in its tags, act or are addressed; the most present ones."""
        counts: Counter[str] = Counter()
        for turn in run:
            if turn.named and turn.named != UNNAMED:
                counts[turn.named] += 3
            if turn.actor:
                counts[turn.actor] += 2
            near = sorted(turn.addressed | turn.nearby)  # of equals the first counts
            for name in (*near, *dict.fromkeys(turn.before)):
                counts[name] += 1
        return [name for name, _ in counts.most_common(MOST_CANDIDATES)]
