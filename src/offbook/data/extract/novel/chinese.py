"""Who says a quoted line in a Chinese novel: `黛玉笑道：“…”`, `“…”宝玉说`, and the turns that name nobody.

The subject of the verb of speech is looked for in its clause, then in the clauses before it; whoever is spoken to,
looked at or sent is no subject.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from offbook.data.extract.novel.attribution import (
    ACTS,
    ACTS_ALONE,
    NAMED,
    NEARBY,
    NOBODY,
    PRONOUN,
    TURN,
    Attribution,
    DialogueState,
    shared,
)
from offbook.data.extract.novel.names_zh import SENTENCE, NameLexicon, clauses, last_sentence
from offbook.data.extract.novel.quotes import BookLayout, TextSpan, cut_at_marks
from offbook.data.extract.novel.words_zh import (
    AGAIN,
    HEARD,
    ME,
    NOT_SAY,
    NOT_WRITES,
    SAY,
    SAYS,
    SIGHT,
    STRANGER,
    THINKS,
    THOUGHT,
    WRITES,
    WROTE,
    simplify,
)

WORDS = "words in quotation marks"
UNKNOWN = Attribution((), NOBODY)
"""Somebody is heard who is not named."""
ENDS = "：:，, \u3000"
WORDY = re.compile(r"[，。！？!?…；,~～—]")
SPOKE = re.compile(rf"[^，。！？：:]{{0,12}}?{SAY}[^，。！？：:]{{0,6}}(?=$|[，。：:、！])")


class Chinese:
    """Attribution of quoted lines in Chinese prose."""

    cuts_by_names = False
    one_in_paragraph = True
    """Whether a line that nobody is told to say is whoever's that speaks in its paragraph."""

    def __init__(self, layout: BookLayout) -> None:
        self._layout = layout
        self._people = NameLexicon()
        self._quotes = self._crowded = self._alone = 0
        self._acts_alone = False
        """Whether one person alone does something in the paragraph."""
        self._goes_on = False
        """Whether the quoted line before ends in a comma, so that who spoke has not done yet."""
        self.many_in_one = False

    def split(self, text: str) -> list[TextSpan]:
        """A paragraph cut into what is told and what is said."""
        return cut_at_marks(text, self._layout.marks)

    def learn(self, pieces: Sequence[TextSpan]) -> None:
        """Count who stands beside verbs of speech, and whether several people share a paragraph."""
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
        self._people.finish(self._quotes)
        self.many_in_one = self._crowded > 0.3 * self._alone

    def attribute(self, scene: Sequence[Sequence[TextSpan]]) -> list[list[Attribution]]:
        """The speaker of each quoted piece of each paragraph of a scene, in order."""
        state = DialogueState()
        return [self._paragraph(pieces, state) for pieces in scene]

    def _paragraph(self, pieces: Sequence[TextSpan], state: DialogueState) -> list[Attribution]:
        attributions: list[Attribution] = []
        within = ""
        self._acts_alone = (
            len({name for piece in pieces if not piece.is_quote for name in self._actors(piece.text)}) == 1
        )
        for place, piece in enumerate(pieces):
            if not piece.is_quote:
                state.subject = self._acting(piece.text) or state.subject
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
        is_one_turn = (
            self.one_in_paragraph and not self.many_in_one and not any(each is UNKNOWN for each in attributions)
        )
        return shared(attributions) if is_one_turn else attributions

    def _of(
        self, piece: TextSpan, lead: TextSpan | None, tail: TextSpan | None, more: bool, state: DialogueState
    ) -> Attribution:
        before = self._from_lead(lead.text, state) if lead else None
        if before and (before.unspoken or before.confidence >= ACTS):
            return before
        after = self._from_tail(tail.text, more, lead is None, state) if tail else None
        if after and after.unspoken:
            return after
        best = max((each for each in (after, before) if each), key=lambda each: each.confidence, default=None)
        if best and best.confidence > TURN:
            return best
        if before == UNKNOWN:
            return before
        if not best and not WORDY.search(piece.text) and len(piece.text) <= 10:
            return Attribution((), NOBODY, WORDS)
        if not self.many_in_one and (acting := self._acting(lead.text if lead else tail.text if tail else "")):
            return Attribution((acting,), ACTS_ALONE if self._acts_alone else ACTS)
        other = state.other()
        return Attribution(other, TURN if other else NOBODY)

    def _from_lead(self, text: str, state: DialogueState) -> Attribution | None:
        """What goes before: `黛玉听了，笑道：`. None where nothing there brings in speech."""
        simplified = simplify(text).rstrip()
        body = simplified.rstrip(ENDS)
        colon = simplified.endswith(("：", ":"))
        says = bool(SAYS.search(body[-14:])) and not NOT_SAY.search(body)
        if THINKS.search(body):
            return Attribution((), NOBODY, "a thought")
        if WROTE.search(body) or (not says and WRITES.search(body) and not NOT_WRITES.search(body)):
            return Attribution((), NOBODY, "something written")
        if not says and not colon:
            return None
        # In the old novels a colon alone brings in letters and lists as well as speech.
        scale = 1.0 if says and simplified != body else 0.8 if self.many_in_one else 0.95
        sentence = last_sentence(simplified)
        for distance, clause in enumerate(reversed(clauses(simplified, sentence))):
            heard = None if distance or self.many_in_one else HEARD.search(simplified, *clause)
            clause = (heard.end(), clause[1]) if heard else clause
            names, _ = self._people.at_head(text, simplified, clause)
            if names == ():
                return _he(state)
            if names:
                return Attribution(names, (NEARBY if distance else NAMED) * scale)
            seen = SIGHT.search(simplified, *clause)
            if (seen or not distance) and (name := self._people.inside(text, simplified, clause)):
                return Attribution((name,), NEARBY * scale)
            if seen or heard or (not distance and STRANGER.search(simplified[slice(*clause)])):
                return UNKNOWN
        again = self._goes_on or AGAIN.match(simplified.lstrip("」”』。，, "))
        if again and state.last:
            return Attribution(state.last.speakers, min(NEARBY, state.last.confidence) * scale)
        earlier = self._acting(text[: sentence[0]])
        return Attribution((earlier,), ACTS) if earlier else Attribution(state.other(), TURN)

    def _from_tail(self, text: str, more: bool, opens: bool, state: DialogueState) -> Attribution | None:
        """What comes after: `宝玉说。`. Ending in a colon it brings in the next line, and may belong to that alone."""
        start = len(text) - len(text.lstrip(ENDS))
        simplified = simplify(text)
        names, end = self._people.at_head(text, simplified, (start, len(simplified)))
        if names is not None and THOUGHT.match(simplified, end):
            return Attribution((), NOBODY, "a thought")
        if names is None or not SPOKE.match(simplified, end):
            return None
        leads_on = more and simplified.rstrip().endswith(("：", ":"))
        if leads_on and (self.many_in_one or not opens):
            return None
        return Attribution(names, NEARBY if leads_on else NAMED) if names else _he(state)

    def _actors(self, text: str) -> list[str]:
        """Everybody who does something in a stretch of narration; he and she, whoever that is, are "他"."""
        simplified = simplify(text)
        heads = (
            self._people.at_head(text, simplified, clause)[0]
            for sentence in _sentences(simplified)
            for clause in clauses(simplified, sentence)
        )
        return [name for names in heads if names is not None for name in names or ("他",)]

    def _acting(self, text: str) -> str | None:
        """Who does something in the last sentences of a stretch of narration."""
        simplified = simplify(text)
        for sentence in reversed(_sentences(simplified)[-3:]):
            for clause in reversed(clauses(simplified, sentence)):
                names, _ = self._people.at_head(text, simplified, clause)
                if names:
                    return names[0]
        return None


def _he(state: DialogueState) -> Attribution:
    """He or she: whoever was named last and is not the teller."""
    named = [state.subject, *(speakers[0] for speakers in reversed(state.turns))]
    speaker = next((name for name in named if name and name not in ME), None)
    return Attribution((speaker,) if speaker else (), PRONOUN)


def _sentences(simplified: str) -> list[tuple[int, int]]:
    spans, start = [], 0
    for mark in SENTENCE.finditer(simplified):
        spans.append((start, mark.start()))
        start = mark.end()
    return [(a, b) for a, b in [*spans, (start, len(simplified))] if b > a]
