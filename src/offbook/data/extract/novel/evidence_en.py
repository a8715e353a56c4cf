"""The turns of an English novel's paragraphs, and what the text tells of who speaks at each."""

from __future__ import annotations

import re
from collections.abc import Sequence

from offbook.data.extract.novel import tags_en as tags
from offbook.data.extract.novel.address_en import addresses, called
from offbook.data.extract.novel.evidence import SpeakerEvidence
from offbook.data.extract.novel.names_en import FEMALE, LISTS, MALE, CharacterLexicon, gender_of
from offbook.data.extract.novel.quotes import TextSpan
from offbook.data.extract.novel.tags_en import Action, Tag

ENDS_CLAUSE = re.compile(r"(?:[.!?…,:;—-]|--)[\"'”’)\]]*\s*$")
REPORTING = re.compile(r"(?:that|whether)\s+(?:he|she|they|it|if|the|his|her|their|there|[A-Z][a-z]+)\b")
FIRST_OR_SECOND = re.compile(r"[!?]|\b(?:I|me|my|mine|we|us|our|ours|you|your|yours|ye|thou|thee)\b", re.IGNORECASE)
THIRD = re.compile(r"\b(?:he|she|they|him|her|them)\b", re.IGNORECASE)
PAST = re.compile(r"\b(?:was|were|had|could|would|should|might|did)\b", re.IGNORECASE)
PRESENT = re.compile(
    r"\b(?:is|are|am|has|have|will|shall|can|may|do|does|must)\b(?!\s+(?:been|not\s+been))|['’](?:s|ll|re|ve|m|d)\b"
)
REPORTED_WORDS = 7
NARRATOR = "I"
IS_SUBJECT = re.compile(r"\s*(?:is|was|were|are)\b")
"""(“Full House”) was the heading"""
LONG_BREAK = 4
"""After so many sentences of narration a quoted piece without a tag may be another's."""
LONG_LEAD = 4
"""After so many words of narration beyond its tag, a paragraph's next quoted piece with a tag may be another's."""
FEW_WORDS = 6
"""A quoted piece of no more words, inside a sentence and with no mark at its end, is no speech."""


class Gatherer:
    """Turns paragraphs into turns with their evidence."""

    def __init__(self, people: CharacterLexicon) -> None:
        self.people = people

    def label(self, name: str) -> str:
        """One label for all names of a person."""
        person = self.people.get(name)
        return person.name if person else name

    def gender(self, name: str) -> str:
        """The gender of somebody's label or description: "m", "f" or "" where it cannot be told; the narrator's "I"."""
        if name == NARRATOR:
            return NARRATOR
        person = self.people.get(name)
        return person.gender if person else gender_of(name)

    def turns(self, number: int, pieces: Sequence[TextSpan]) -> tuple[list[SpeakerEvidence], dict[int, str]]:
        """The turns of a paragraph, and which of its quoted pieces are not spoken, with the reason."""
        turns: list[SpeakerEvidence] = []
        unspoken: dict[int, str] = {}
        quoted = -1
        for place, piece in enumerate(pieces):
            if not piece.is_quote:
                continue
            quoted += 1
            lead, tail = beside(pieces, place)
            tag = tag_of(piece, lead, tail)
            thought = unspoken.get(quoted - 1) == "a thought" and tag is None
            narration = pieces[place - 1].text if place and not pieces[place - 1].is_quote else ""
            begins = not any(earlier.is_quote for earlier in pieces[:place])
            if begins and is_reported(piece.text, narration):
                unspoken[quoted] = "reported speech"
                continue
            if reason := "a thought" if thought else why_unspoken(piece, tag, narration, tail):
                unspoken[quoted] = reason
                continue
            if turns and tag and goes_on(narration, piece.text) and not _is_further(tag, narration):
                tag = None  # who acts there does not speak: “Well,” said Ann, when Tom had eaten: “is it enough?”
            follows = bool(place and pieces[place - 1].is_quote)
            if tag is None and turns and len(tags.sentences(narration.strip())) >= LONG_BREAK:
                turns.append(SpeakerEvidence([], gap=1))
            if not turns or follows or self._is_another(turns[-1], tag, lead):
                answered = {turns[-1].named} if turns and turns[-1].named and not follows else set()
                turns.append(SpeakerEvidence([(number, quoted)], addressed=answered))
            else:
                turns[-1].places.append((number, quoted))
            if tag and turns[-1].kind in ("none", "pronoun", "described", "subject"):
                self._tell(turns[-1], tag)
            turns[-1].addressed |= self._labels(called(piece.text))
            turns[-1].spoken_of |= self._labels(tags.mentions(piece.text))
            turns[-1].calls |= {call for call in addresses(piece.text) if not self.people.get(call)}
            turns[-1].speech += " " + piece.text
        if len(turns) == 1:
            self._watch(turns[0], pieces)
        return turns, unspoken

    def see(self, narration: Sequence[Sequence[TextSpan]]) -> list[str]:
        """Who is named in some paragraphs of narration, in order; the subject of the last sentence comes last."""
        text = " ".join(piece.text for pieces in narration for piece in pieces if not piece.is_quote)
        names = [person.name for name in tags.mentions(text) if (person := self.people.get(name))]
        last = tags.sentences(text.strip())[-1:]
        action = tags.subject(last[0]) if last else None
        return names + self._acting(action) if action else names

    def _acting(self, action: Action) -> list[str]:
        """The label of who acts, if that is a name or the narrator's "I"."""
        if action.pronoun and action.speaker != NARRATOR:
            return []
        return [person.name] if (person := self.people.get(action.speaker)) else []

    def _is_another(self, last: SpeakerEvidence, tag: Tag | None, lead: str) -> bool:
        """Whether a further quoted piece of a paragraph is somebody else's: what brings it in says so."""
        if tag is None:
            return False
        brought_in = tags.before(lead) is not None
        meanwhile = len(lead.split()) >= LONG_LEAD
        if tag.kind == "name":
            if last.named:
                return self.label(tag.speaker) != last.named
            return last.kind == "pronoun" and (brought_in or meanwhile or last.several)
        if not brought_in and not (meanwhile and tag.kind == "described" and last.named):
            return False
        if tag.kind == "described":
            return bool(last.named) or meanwhile
        gender, theirs = pronoun_gender(tag.speaker), last.gender or (self.gender(last.named) if last.named else "")
        return bool(gender and theirs and gender != theirs) or tag.verb in LISTS["reply"]

    def _tell(self, turn: SpeakerEvidence, tag: Tag) -> None:
        turn.addressed |= self._labels([tag.addressee] if tag.addressee else [])
        if tag.kind == "name" or tag.speaker == NARRATOR:
            turn.named, turn.spelled, turn.also = self.label(tag.speaker), tag.speaker, tag.also
            turn.kind = "name" if tag.beside else "subject"
        elif tag.kind == "described" and turn.kind == "none":
            turn.named = turn.spelled = tag.speaker
            turn.kind = "described"
        elif tag.kind == "pronoun" and turn.kind == "none":
            turn.gender, turn.kind = pronoun_gender(tag.speaker), "pronoun"
            turn.several = tag.speaker.lower() in ("they", "we")

    def _watch(self, turn: SpeakerEvidence, pieces: Sequence[TextSpan]) -> None:
        """Who acts in the sentences right beside the quoted pieces of a paragraph, and who is named in it."""
        narration = [piece.text for piece in pieces if not piece.is_quote]
        turn.told_of = self._labels([name for text in narration for name in tags.mentions(text)])
        for action in actions(pieces):
            turn.actor_gender = turn.actor_gender or pronoun_gender(action.speaker)
            turn.actor = turn.actor or next(iter(self._acting(action)), "")
        if turn.kind == "none" and turn.actor:
            turn.kind = "action"
        gender = turn.gender or turn.actor_gender
        if gender and pieces and not pieces[0].is_quote:
            turn.refers = self._antecedent(pieces[0].text, gender)

    def _antecedent(self, text: str, gender: str) -> str:
        """The subject, else whoever is named, in the last sentence that names somebody of the gender."""
        for sentence in reversed(tags.sentences(text.strip())):
            action = tags.subject(sentence)
            names = [action.speaker] if action and not action.pronoun else []
            for name in [*names, *reversed(tags.mentions(sentence))]:
                if (person := self.people.get(name)) and person.gender == gender:
                    return person.name
        return ""

    def _labels(self, names: Sequence[str]) -> set[str]:
        return {person.name for name in names if (person := self.people.get(name))}


def actions(pieces: Sequence[TextSpan]) -> list[Action]:
    """Who acts in the sentences right beside the quoted pieces of a paragraph."""
    acting: list[Action | None] = []
    for place, piece in enumerate(pieces):
        if piece.is_quote:
            continue
        sentences = tags.sentences(piece.text.strip())
        if sentences and place + 1 < len(pieces):
            acting.append(tags.subject(sentences[-1]))
        if sentences and place and sentences[0][:1].isupper():
            acting.append(tags.subject(sentences[0]))
    return [action for action in acting if action]


def beside(pieces: Sequence[TextSpan], place: int) -> tuple[str, str]:
    """The narration before and after a quoted piece in its paragraph.

    Between two quoted pieces a first sentence that tags the first of them belongs to that alone.
    """
    lead = pieces[place - 1].text if place and not pieces[place - 1].is_quote else ""
    if place > 1 and (lead.strip()[:1].islower() or tags.after(lead, ends_in_comma(pieces[place - 2]))):
        first, *further = tags.sentences(lead.strip()) or [""]
        lead = " ".join(further) if further else tags.further_clause(first)
    tail = pieces[place + 1].text if place + 1 < len(pieces) and not pieces[place + 1].is_quote else ""
    return lead, tail


def tag_of(piece: TextSpan, lead: str, tail: str) -> Tag | None:
    """The speech tag beside a quoted piece: after it, else before it."""
    behind = tags.after(tail, ends_in_comma(piece))
    if behind and behind.kind != "pronoun" and (ends_in_comma(piece) or not tags.is_written(lead)):
        return behind
    ahead = tags.before(lead)
    return ahead if ahead and (not behind or ahead.kind in ("name", "written")) else behind


def ends_in_comma(piece: TextSpan) -> bool:
    """Whether the sentence of a quoted piece goes on behind it."""
    return piece.text.endswith((",", "—", "-"))


BETWEEN_DASHES = re.compile(r"\s?(?:—|–|--)\s?[^—–]*\w[^—–]*(?:—|–|--)\s?$")
"""(“To ask”)—he took off his hat—(“if you will.”): the narrator interrupts a speech."""


SENTENCE_ENDS = re.compile(r"[.!?]")


def why_unspoken(piece: TextSpan, tag: Tag | None, lead: str, tail: str) -> str:
    """Why a quoted piece is not spoken, or "" where it is."""
    if tag and tag.kind == "thought":
        return "a thought"
    if tag and tag.kind == "written":
        return "something written"
    if BETWEEN_DASHES.match(tail) or BETWEEN_DASHES.match(lead):
        return ""
    if tag is None and IS_SUBJECT.match(tail) and not ENDS_CLAUSE.search(piece.text):
        return "words in quotation marks"
    inside = bool(lead.strip()) and not ENDS_CLAUSE.search(lead)
    if inside and piece.text[:1].islower() and not tags.after(tail, False):
        return "words in quotation marks"
    if tag is None and (lead.strip() or tail.strip()):
        ends_clause = ENDS_CLAUSE.search(piece.text)
        if inside and not (ends_clause and tags.ANY_SAY.search(tags.sentences(lead.strip())[-1])):
            return "words in quotation marks"
        if not ends_clause and not piece.open and len(piece.text.split()) <= FEW_WORDS:
            return "words in quotation marks"
    return ""


def _is_further(tag: Tag, narration: str) -> bool:
    """Whether a tag has a verb of speech and stands in a clause of its own: (said Tom,) and Ann answered."""
    before = narration[: max(narration.rfind(tag.speaker), 0)].rstrip(" ,")
    return bool(tag.verb) and before.endswith((" and", " but", " then"))


def goes_on(narration: str, speech: str) -> bool:
    """Whether a quoted piece goes on with the sentence of the one before it: the narrator broke in."""
    return bool(narration) and speech[:1].islower() and not SENTENCE_ENDS.search(narration)


def is_reported(speech: str, lead: str) -> bool:
    """Whether quoted words are told as the narrator tells: “that he was sorry”, “She would not come.”."""
    if REPORTING.match(speech):
        return True
    if not lead.strip() or len(speech.split()) < REPORTED_WORDS or FIRST_OR_SECOND.search(speech):
        return False
    return bool(THIRD.search(speech) and PAST.search(speech) and not PRESENT.search(speech))


def pronoun_gender(pronoun: str) -> str:
    """The gender of a pronoun: "m" for he, "f" for she, else an empty string."""
    return MALE if pronoun in LISTS["he"] else FEMALE if pronoun in LISTS["she"] else ""
