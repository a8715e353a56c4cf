"""The turns of a modern Chinese novel's paragraphs, and what the text tells of who speaks at each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from offbook.data.extract.novel.evidence import UNNAMED, SpeakerEvidence
from offbook.data.extract.novel.names_zh import NameLexicon
from offbook.data.extract.novel.people_zh import PeopleZh
from offbook.data.extract.novel.quotes import TextSpan
from offbook.data.extract.novel.tags_zh import UNANSWERED, Tag, TagReader
from offbook.data.extract.novel.words_zh import LISTS, simplify
from offbook.data.extract.word_lists import one_of

WORDS = "words in quotation marks"
WORDY = re.compile(r"[，。！？!?…；,~～—]")
FEW_CHARACTERS = 10
"""A quoted piece of no more without any mark, within a sentence that does not bring it in, is no speech."""
NAMING = ("name", "subject", "beat")
"""Kinds of tags that name the speaker."""
STOP = re.compile(r"[，。！？!?…；,~～—\s]+")
ADDRESS = re.compile("(?:(?![我你您他她它了吗呢吧的不是])[\u4e00-\u9fff]){1,4}")
HELD = 1 << 15
PRONOUNS = "他她它"
SILENT = re.compile(f"{UNANSWERED.pattern}|{one_of(LISTS['silent'])}")
"""(“…”) 老汤没有回答, 老汤默然: who is spoken to, not who speaks."""
TELLER = re.compile("我(?!们)")
"""The narrator, who is there wherever he tells of himself."""


@lru_cache(HELD)
def addresses(speech: str) -> tuple[str, ...]:
    """What may be forms of address in what is said: short words that stops set off at its head or a sentence's end."""
    phrases = STOP.split(speech)
    marks = STOP.findall(speech)
    calls = []
    for place, phrase in enumerate(phrases):
        if not ADDRESS.fullmatch(phrase) or simplify(phrase) in LISTS["no_address"]:
            continue
        begins = place == 0 or not ("，" in marks[place - 1] or "," in marks[place - 1])
        closes = place > 0 and place < len(marks) and not begins and not marks[place].startswith(("，", ","))
        if (begins and place < len(marks)) or closes:
            calls.append(phrase)
    return tuple(calls)


class ChineseGatherer:
    """Turns paragraphs into turns with their evidence."""

    def __init__(self, names: NameLexicon, people: PeopleZh, tags: TagReader) -> None:
        self._names = names
        self._people = people
        self._tags = tags
        # What the book is learned from is asked once more when it is read.
        self._actors = lru_cache(HELD)(tags.actors)
        self._mentions = lru_cache(HELD)(names.mentions)
        self._tag_between = lru_cache(HELD)(self._read_tag)

    def turns(self, number: int, pieces: Sequence[TextSpan]) -> tuple[list[SpeakerEvidence], dict[int, str]]:
        """The turns of a paragraph, and which of its quoted pieces are not spoken, with the reason."""
        turns: list[SpeakerEvidence] = []
        unspoken: dict[int, str] = {}
        within = ""
        quoted = -1
        for place, piece in enumerate(pieces):
            if not piece.is_quote:
                continue
            quoted += 1
            lead = within + (pieces[place - 1].text if place and not pieces[place - 1].is_quote else "")
            within = ""
            tag = self._tag(pieces, place, lead)
            if reason := self._why_unspoken(pieces, place, tag):
                unspoken[quoted] = reason
                if reason == WORDS:
                    within = lead + piece.text  # 洪七公“哦”了一声，道
                continue
            speaker = self._told(tag)
            if not turns or (speaker and turns[-1].named and speaker != turns[-1].named):
                turns.append(SpeakerEvidence([(number, quoted)]))
            else:
                turns[-1].places.append((number, quoted))
            if tag and turns[-1].kind in ("none", "verb", "pronoun"):
                self._tell(turns[-1], tag, speaker)
            self._hear(turns[-1], piece.text)
        if len(turns) == 1:
            self._watch(turns[0], pieces)
        return turns, unspoken

    def named(self, pieces: Sequence[TextSpan]) -> set[str]:
        """Who is named in the tags of a paragraph."""
        leads = (
            pieces[place - 1].text if place and not pieces[place - 1].is_quote else "" for place in range(len(pieces))
        )
        tags = (self._tag(pieces, place, lead) for place, lead in enumerate(leads) if pieces[place].is_quote)
        return {self._people.label(tag.speakers[0]) for tag in tags if tag and tag.kind in NAMING}

    def count(self, pieces: Sequence[TextSpan]) -> None:
        """Take note of who is he and who is she in a paragraph's narration."""
        for piece in pieces:
            if piece.is_quote or not ("他" in piece.text or "她" in piece.text):
                continue
            for name, pronoun in pairwise(self._actors(piece.text)):
                if name[:1] not in PRONOUNS and (gender := self._people.pronoun_gender(pronoun)):
                    self._people.count_pronoun(self._people.label(name), gender)

    def see(self, narration: Sequence[Sequence[TextSpan]]) -> list[str]:
        """Who is named in some paragraphs of narration, in order; the subject of the last sentence comes last."""
        text = "".join(piece.text for pieces in narration for piece in pieces if not piece.is_quote)
        names = [*TELLER.findall(text)[:1], *self._labels(self._names.mentions(text))]
        acting = self._tags.acting(text)
        return [*names, self._people.label(acting)] if acting else names

    def _tag(self, pieces: Sequence[TextSpan], place: int, lead: str) -> Tag | None:
        """The tag beside a quoted piece: before it, else behind it."""
        tail = pieces[place + 1].text if place + 1 < len(pieces) and not pieces[place + 1].is_quote else ""
        return self._tag_between(lead, tail, place + 2 < len(pieces)) if lead or tail else None

    def _read_tag(self, lead: str, tail: str, more: bool) -> Tag | None:
        before = self._tags.before(lead) or self._tags.beat(lead) if lead else None
        if before and before.kind not in ("verb", "pronoun"):
            return before
        after = self._tags.after(tail, more, not lead) if tail else None
        return after or before

    def _why_unspoken(self, pieces: Sequence[TextSpan], place: int, tag: Tag | None) -> str:
        if tag:
            return tag.unspoken
        text = pieces[place].text
        is_whole = len(pieces) == 1
        return WORDS if not is_whole and not WORDY.search(text) and len(text) <= FEW_CHARACTERS else ""

    def _told(self, tag: Tag | None) -> str:
        if tag is None:
            return ""
        if tag.kind == "stranger" or (tag.objects and not tag.speakers):
            return UNNAMED  # 走到老汤面前：(“…”) is said by somebody else than he
        return self._people.label(tag.speakers[0]) if tag.kind in NAMING else ""

    def _tell(self, turn: SpeakerEvidence, tag: Tag, speaker: str) -> None:
        if speaker:
            turn.kind, turn.named = tag.kind, speaker
            turn.spelled, turn.also = (*tag.speakers, "", "")[:2]
        elif tag.kind == "pronoun" and turn.kind in ("none", "verb"):
            turn.kind, turn.gender = "pronoun", self._people.pronoun_gender(tag.pronoun)
            turn.several = tag.pronoun.endswith("们")
        elif tag.kind == "verb":
            turn.kind = "verb" if turn.kind == "none" else turn.kind
            turn.actor = turn.actor or next(iter(self._labels(tag.speakers)), "")

    def _hear(self, turn: SpeakerEvidence, speech: str) -> None:
        calls = addresses(speech)
        called = {person for call in calls if (person := self._people.called(call))}
        turn.addressed |= called
        turn.spoken_of |= set(self._labels(self._mentions(speech)))
        turn.calls |= {call for call in calls if not self._people.called(call)}
        turn.speech += speech

    def _watch(self, turn: SpeakerEvidence, pieces: Sequence[TextSpan]) -> None:
        """Who acts beside the quoted pieces of a paragraph, and who is named in it."""
        narration = [piece.text for piece in pieces if not piece.is_quote]
        turn.told_of = set(self._labels(name for text in narration for name in self._mentions(text)))
        turn.nearby = turn.told_of | turn.spoken_of | set(TELLER.findall("".join(narration)))
        acting = [name for text in narration for name in self._actors(text)]
        for name in acting:
            if name[:1] in PRONOUNS:
                turn.actor_gender = turn.actor_gender or self._people.pronoun_gender(name)
            else:
                turn.actor = turn.actor or self._people.label(name)
        if turn.kind == "none" and turn.actor and SILENT.search(simplify("".join(narration))):
            turn.addressed.add(turn.actor)
            turn.told_of.discard(turn.actor)
            turn.actor = turn.actor_gender = ""
        elif turn.kind == "none" and len(set(acting)) == 1 and turn.actor:
            turn.kind, turn.named, turn.spelled = "alone", turn.actor, acting[0]
        elif turn.kind == "none" and (turn.actor or turn.actor_gender):
            turn.kind = "action"
        gender = turn.gender or turn.actor_gender
        if gender and pieces and not pieces[0].is_quote:
            named = self._labels(self._mentions(pieces[0].text))
            turn.refers = next((name for name in reversed(named) if self._people.gender(name) == gender), "")

    def _labels(self, names: Iterable[str]) -> list[str]:
        return [self._people.label(name) for name in names]
