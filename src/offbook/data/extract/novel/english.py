"""Who says a quoted line in an English novel: `“…,” said Mr Darcy`, `Emma turned and said, “…”`, turns without names.

A tag that names somebody settles a turn; pronouns, actions, forms of address and the taking of turns weigh on the
others (`dialogue.py`). A paragraph is one person's turn unless a further tag in it names another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from offbook.data.extract.novel import tags_en as tags
from offbook.data.extract.novel.address_en import addresses, called
from offbook.data.extract.novel.attribution import Attribution
from offbook.data.extract.novel.evidence_en import NARRATOR, Gatherer, actions, beside, tag_of
from offbook.data.extract.novel.features import Measurer
from offbook.data.extract.novel.habits import NarrationHabits
from offbook.data.extract.novel.names_en import CharacterLexicon
from offbook.data.extract.novel.quotes import BookLayout, TextSpan, cut_at_marks
from offbook.data.extract.novel.turns import TurnTaking

WORD = re.compile(r"[a-z]+(?:['’][a-z]+)?")


class English:
    """Attribution of quoted lines in English prose."""

    many_in_one = False
    cuts_by_names = False

    def __init__(self, layout: BookLayout) -> None:
        self._layout = layout
        self._people = CharacterLexicon()
        self._gatherer = Gatherer(self._people)
        self._habits = NarrationHabits(words, addresses)
        measurer = Measurer(self._habits, self._people.tagged, self._gatherer.gender)
        self._turn_taking = TurnTaking("en", self._gatherer, measurer)

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
        return self._turn_taking.attribute(scene)


def words(speech: str) -> list[str]:
    """The words of what is said, in small letters."""
    return WORD.findall(speech.lower())
