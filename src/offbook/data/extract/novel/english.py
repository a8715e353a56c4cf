"""Who says a quoted line in an English novel: `“…,” said Mr Darcy`, `Emma turned and said, “…”`, turns without names.

A tag that names somebody settles a turn; pronouns, actions, forms of address and the taking of turns weigh on the
others (`dialogue.py`). A paragraph is one person's turn unless a further tag in it names another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from offbook.data.extract.novel import tags_en as tags
from offbook.data.extract.novel.address_en import called
from offbook.data.extract.novel.attribution import NOBODY, Attribution, confidence
from offbook.data.extract.novel.dialogue import Turn, speakers
from offbook.data.extract.novel.evidence_en import NARRATOR, Gatherer, SpeakerEvidence, actions, beside, tag_of
from offbook.data.extract.novel.features_en import Measurer
from offbook.data.extract.novel.habits_en import NarrationHabits
from offbook.data.extract.novel.names_en import CharacterLexicon
from offbook.data.extract.novel.quotes import BookLayout, TextSpan, cut_at_marks

FAR = 4
"""So many paragraphs of narration end a run of turns."""
LONGEST_RUN = 60
"""A longer run of turns is ended before a turn whose tag names the speaker."""
MOST_CANDIDATES = 8


class English:
    """Attribution of quoted lines in English prose."""

    many_in_one = False
    cuts_by_names = False

    def __init__(self, layout: BookLayout) -> None:
        self._layout = layout
        self._people = CharacterLexicon()
        self._gatherer = Gatherer(self._people)
        self._habits = NarrationHabits()
        self._measurer = Measurer(self._people, self._habits, self._gatherer.gender)

    def split(self, text: str) -> list[TextSpan]:
        """A paragraph cut into what is told and what is said."""
        return cut_at_marks(text, self._layout.marks)

    def learn(self, pieces: Sequence[TextSpan]) -> None:
        """Count who stands in speech tags, and the pronouns of the sentences that name one person."""
        named = set()
        self._people.count_actions(action.speaker for action in actions(pieces) if not action.pronoun)
        for place, piece in enumerate(pieces):
            self._people.count_inside(called(piece.text) if piece.is_quote else tags.mentions(piece.text, True))
            if piece.is_quote:
                tag = tag_of(piece, *beside(pieces, place))
                if tag and (tag.kind == "name" or tag.speaker == NARRATOR):
                    self._people.count_tag(tag.speaker)
                    named.add(tag.speaker)
                continue
            for sentence in tags.sentences(piece.text) if tags.mentions(piece.text) else ():
                is_he, is_she = tags.HE.search(sentence), tags.SHE.search(sentence)
                names = set(tags.mentions(sentence)) if bool(is_he) != bool(is_she) else set()
                if len(names) == 1:
                    self._people.count_pronoun(names.pop(), is_he=bool(is_he))

        speech = " ".join(piece.text for piece in pieces if piece.is_quote)
        self._habits.hear(named.pop() if len(named) == 1 else "", speech)

    def finish(self) -> None:
        """The book has been gone through: decide who is who, and learn how they speak."""
        self._people.finish()
        self._habits.finish(self._gatherer.label)

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
            if turns and run and (quiet >= FAR or len(run) >= longest):
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
        for evidence, (name, probability) in zip(run, speakers(turns, candidates, values), strict=True):
            speaker = evidence.spelled or name
            certainty = confidence("en", evidence.kind, probability) if speaker else NOBODY
            for paragraph, quoted in evidence.places:
                names_of = tuple(name for name in (speaker, evidence.also) if name)
                answers[paragraph][quoted] = Attribution(names_of, certainty)

    def _candidates(self, run: Sequence[SpeakerEvidence]) -> list[str]:
        """Who may speak in a run: those who are named in its tags, act or are addressed; the most present ones."""
        counts: Counter[str] = Counter()
        for turn in run:
            if turn.named:
                counts[turn.named] += 3
            if turn.actor:
                counts[turn.actor] += 2
            for name in (*sorted(turn.addressed), *dict.fromkeys(turn.before)):  # sorted: of equals the first counts
                counts[name] += 1
        return [name for name, _ in counts.most_common(MOST_CANDIDATES)]
