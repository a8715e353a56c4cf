"""Who says a quoted line in an English novel: `“…,” said Mr Darcy`, `Emma turned and said, “…”`, turns without names.

A tag that names somebody settles a turn; pronouns, actions, forms of address and the taking of turns weigh on the
others (`dialogue.py`). A paragraph is one person's turn unless a further tag in it names another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from offbook.data.extract.novel import tags_en as tags
from offbook.data.extract.novel.attribution import NOBODY, Attribution, confidence
from offbook.data.extract.novel.dialogue import Turn, speakers
from offbook.data.extract.novel.evidence_en import Gatherer, SpeakerEvidence, beside, tag_of
from offbook.data.extract.novel.names_en import CharacterLexicon
from offbook.data.extract.novel.quotes import TextSpan

FAR = 4
"""So many paragraphs of narration end a run of turns."""
LONGEST_RUN = 60
MOST_CANDIDATES = 8

# Log weights of what the text tells, found on half of the books that docs/extract.md names.
OTHER_GENDER = -8.0
GENDER_UNKNOWN = -2.0
ACTS_BESIDE = 4.3
ACTS_BEFORE = 0.5
NAMED_BEFORE = -0.3
ADDRESSED = -4.2
ADDRESSED_BY_THE_NEXT = 2.1
SPOKEN_OF = -1.15
FAR_OFF = -0.2
"""For each turn between this one and the nearest in which somebody is named."""
FARTHEST = 8


class English:
    """Attribution of quoted lines in English prose."""

    def __init__(self) -> None:
        self._people = CharacterLexicon()
        self._gatherer = Gatherer(self._people)

    def learn(self, pieces: Sequence[TextSpan]) -> None:
        """Count who stands in speech tags, and the pronouns of the sentences that name one person."""
        for place, piece in enumerate(pieces):
            if piece.is_quote:
                tag = tag_of(piece, *beside(pieces, place))
                if tag and tag.kind == "name":
                    self._people.count_tag(tag.speaker)
                continue
            for sentence in tags.sentences(piece.text):
                names = set(tags.mentions(sentence))
                if len(names) == 1:
                    he, she = len(tags.HE.findall(sentence)), len(tags.SHE.findall(sentence))
                    self._people.count_pronouns(names.pop(), he, she)

    def finish(self) -> None:
        """The book has been gone through: decide who is who."""
        self._people.finish()

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
            if turns and run and (quiet >= FAR or len(run) >= LONGEST_RUN):
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
        turns = [self._turn(run, place, candidates) for place in range(len(run))]
        for evidence, (name, probability) in zip(run, speakers(turns, candidates), strict=True):
            speaker = evidence.spelled or name
            certainty = confidence("en", evidence.kind, probability) if speaker else NOBODY
            for paragraph, quoted in evidence.places:
                answers[paragraph][quoted] = Attribution((speaker,) if speaker else (), certainty)

    def _candidates(self, run: Sequence[SpeakerEvidence]) -> list[str]:
        """Who may speak in a run: those who are named in its tags, act or are addressed; the most present ones."""
        counts: Counter[str] = Counter()
        for turn in run:
            counts.update({turn.named: 3} if turn.named else {})
            counts.update({turn.actor: 2} if turn.actor else {})
            counts.update(turn.addressed)
            counts.update(set(turn.before))
        return [name for name, _ in counts.most_common(MOST_CANDIDATES)]

    def _turn(self, run: Sequence[SpeakerEvidence], place: int, candidates: Sequence[str]) -> Turn:
        evidence = run[place]
        weights = dict.fromkeys(candidates, 0.0)

        def weigh(name: str, weight: float) -> None:
            if name in weights:
                weights[name] += weight

        for name in candidates:
            gender = self._gatherer.gender(name)
            for wanted in (evidence.gender, evidence.actor_gender):
                if wanted:
                    weigh(name, GENDER_UNKNOWN if not gender else OTHER_GENDER if gender != wanted else 0)
            weigh(name, FAR_OFF * _distance(run, place, name))
        weigh(evidence.actor, ACTS_BESIDE)
        for name in set(evidence.before):
            weigh(name, NAMED_BEFORE)
        if evidence.before:
            weigh(evidence.before[-1], ACTS_BEFORE)
        for name in evidence.addressed:
            weigh(name, ADDRESSED)
        for name in evidence.spoken_of - evidence.addressed:
            weigh(name, SPOKEN_OF)
        for neighbour in (place - 1, place + 1):
            if 0 <= neighbour < len(run):
                for name in run[neighbour].addressed:
                    weigh(name, ADDRESSED_BY_THE_NEXT)
        return Turn(evidence.gap, evidence.named or None, weights)


def _distance(run: Sequence[SpeakerEvidence], place: int, name: str) -> int:
    """Turns to the nearest one in which somebody is named."""
    for distance in range(FARTHEST):
        for other in (place - distance, place + distance):
            if 0 <= other < len(run) and name in (run[other].named, run[other].actor):
                return distance
    return FARTHEST
