"""Who says a quoted line in a Chinese novel: `黛玉笑道：“…”`, `“…”宝玉说`, and the turns that name nobody.

In novels of today a paragraph is one person's turn, and all that the text tells of it is weighed (`turns.py`). In the
old ones several people speak in a paragraph, and nobody knows where a turn ends: there a tag is a rule, and who has
none is whoever's turn it is of the last two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from offbook.data.extract.novel.attribution import (
    ACTS,
    NAMED,
    NEARBY,
    NOBODY,
    PRONOUN,
    TURN,
    Attribution,
    DialogueState,
)
from offbook.data.extract.novel.evidence_zh import FEW_CHARACTERS, WORDS, WORDY, ChineseGatherer, addresses
from offbook.data.extract.novel.features import Measurer
from offbook.data.extract.novel.habits import NarrationHabits
from offbook.data.extract.novel.names_zh import NameLexicon
from offbook.data.extract.novel.people_zh import PeopleZh
from offbook.data.extract.novel.quotes import BookLayout, TextSpan, cut_at_marks
from offbook.data.extract.novel.tags_zh import Tag, TagReader
from offbook.data.extract.novel.turns import TurnTaking
from offbook.data.extract.novel.words_zh import ME

UNKNOWN = Attribution((), NOBODY)
"""Somebody is heard who is not named."""
FAR = 8
"""So many paragraphs of narration end a run of turns: in web novels a paragraph is a sentence."""
RULED = {"name": NAMED, "subject": NEARBY}
"""How sure a tag is where paragraphs are no turns."""


class Chinese:
    """Attribution of quoted lines in Chinese prose."""

    cuts_by_names = False
    one_in_paragraph = True
    """Whether a paragraph can be one person's turn."""

    def __init__(self, layout: BookLayout) -> None:
        self._layout = layout
        self._people = NameLexicon()
        self._tags = TagReader(self._people)
        self._persons = PeopleZh(self._people)
        self._gatherer = ChineseGatherer(self._people, self._persons, self._tags)
        self._habits = NarrationHabits(list, addresses)
        measurer = Measurer(self._habits, self._persons.tagged, self._persons.gender)
        self._turn_taking = TurnTaking("zh", self._gatherer, measurer, far=FAR)
        self._paragraphs: list[Sequence[TextSpan]] = []
        self._quotes = self._crowded = self._alone = 0
        self._goes_on = False
        """Whether the quoted line before ends in a comma, so that who spoke has not done yet."""
        self.many_in_one = False

    def split(self, text: str) -> list[TextSpan]:
        """A paragraph cut into what is told and what is said."""
        return cut_at_marks(text, self._layout.marks)

    def learn(self, pieces: Sequence[TextSpan]) -> None:
        """Count who stands beside verbs of speech, and whether several people share a paragraph."""
        self._paragraphs.append(pieces)
        heads: set[str | None] = set()
        for place, piece in enumerate(pieces):
            self._quotes += piece.is_quote
            if not piece.is_quote and len(pieces) > 1:
                self._people.count_acting(piece.text)
            before = None
            if not piece.is_quote and place + 1 < len(pieces):
                before = self._people.count_before(piece.text)
                heads.add(before)
            if not piece.is_quote and place:
                heads.add(self._people.count_after(piece.text, before))
        heads.discard(None)
        self._crowded += len(heads) > 1
        self._alone += len(heads) == 1

    def finish(self) -> None:
        """The first pass is over: believe the names that recur."""
        self.many_in_one = self._tags.many_in_one = self._crowded > 0.3 * self._alone
        if self._takes_turns():
            for piece in (piece for pieces in self._paragraphs for piece in pieces if not piece.is_quote):
                self._people.count_subjects(piece.text)
        self._people.finish(self._quotes)
        if self._takes_turns():
            self._learn_people()
        self._paragraphs = []

    def _takes_turns(self) -> bool:
        """Whether a paragraph is one person's turn, as in modern novels."""
        return self.one_in_paragraph and not self.many_in_one

    def _learn_people(self) -> None:
        """The names are known: count who is he and who is she, and learn how people speak."""
        self._persons.finish()
        for pieces in self._paragraphs:
            self._gatherer.count(pieces)
            named = self._gatherer.named(pieces)
            for name in named:
                self._persons.count_tag(name)
            speech = "".join(piece.text for piece in pieces if piece.is_quote)
            self._habits.hear(named.pop() if len(named) == 1 else "", speech)
        self._habits.finish(self._persons.label)

    def attribute(self, scene: Sequence[Sequence[TextSpan]]) -> list[list[Attribution]]:
        """The speaker of each quoted piece of each paragraph of a scene, in order."""
        if self._takes_turns():
            return self._turn_taking.attribute(scene)
        state = DialogueState()
        return [self._paragraph(pieces, state) for pieces in scene]

    def _paragraph(self, pieces: Sequence[TextSpan], state: DialogueState) -> list[Attribution]:
        state.begin_paragraph(pieces)
        attributions: list[Attribution] = []
        within = ""
        for place, piece in enumerate(pieces):
            if not piece.is_quote:
                state.subject = self._tags.acting(piece.text) or state.subject
                continue
            lead = pieces[place - 1] if place and not pieces[place - 1].is_quote else None
            lead = replace(lead, text=within + lead.text) if lead else None
            within = ""
            tail = pieces[place + 1] if place + 1 < len(pieces) and not pieces[place + 1].is_quote else None
            self._goes_on = place > 1 and pieces[place - 2].is_quote and pieces[place - 2].text.endswith("，")
            attribution = self._of(piece, lead, tail, place + 2 < len(pieces), state)
            attributions.append(attribution)
            if not attribution.unspoken:
                state.spoke(attribution)
            elif attribution.unspoken == WORDS:
                within = (lead.text if lead else "") + piece.text  # 洪七公“哦”了一声，道
        return attributions

    def _of(
        self, piece: TextSpan, lead: TextSpan | None, tail: TextSpan | None, more: bool, state: DialogueState
    ) -> Attribution:
        before = self._attribution(self._tags.before(lead.text), state) if lead else None
        if before and (before.unspoken or before.confidence >= ACTS):
            return before
        after = self._attribution(self._tags.after(tail.text, more, lead is None), state) if tail else None
        if after and after.unspoken:
            return after
        best = max((each for each in (after, before) if each), key=lambda each: each.confidence, default=None)
        if best and best.confidence > TURN:
            return best
        if before == UNKNOWN:
            return before
        if not best and not WORDY.search(piece.text) and len(piece.text) <= FEW_CHARACTERS:
            return Attribution((), NOBODY, WORDS)
        if not self.many_in_one and (acting := self._tags.acting(lead.text if lead else tail.text if tail else "")):
            return Attribution((acting,), ACTS)
        other = state.other()
        return Attribution(other, TURN if other else NOBODY)

    def _attribution(self, tag: Tag | None, state: DialogueState) -> Attribution | None:
        """What a tag tells where paragraphs are no turns: he and she are whoever was named last."""
        if tag is None:
            return None
        if tag.kind in RULED:
            return Attribution(tag.speakers, RULED[tag.kind] * tag.scale)
        if tag.kind == "pronoun":
            return _he(state)
        if tag.kind == "stranger":
            return UNKNOWN
        if tag.unspoken:
            return Attribution((), NOBODY, tag.unspoken)
        if (tag.again or self._goes_on) and state.last:
            return Attribution(state.last.speakers, min(NEARBY, state.last.confidence) * tag.scale)
        return Attribution(tag.speakers, ACTS) if tag.speakers else Attribution(state.other(), TURN)


def _he(state: DialogueState) -> Attribution:
    """He or she: whoever was named last and is not the teller."""
    named = [state.subject, *(speakers[0] for speakers in reversed(state.turns))]
    speaker = next((name for name in named if name and name not in ME), None)
    return Attribution((speaker,) if speaker else (), PRONOUN)
