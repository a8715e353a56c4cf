"""What narration tells in Chinese of who says the line beside it, as `黛玉听了，笑道：` or `他抬起头。` do.

The subject of the verb of speech is looked for in its clause, then in the clauses before it; whoever is spoken to,
looked at or sent is no subject.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from offbook.data.extract.novel.names_zh import AFTER, SENTENCE, NameLexicon, clauses, last_sentence
from offbook.data.extract.novel.words_zh import (
    AGAIN,
    HEARD,
    NOT_SAY,
    NOT_WRITES,
    SAY,
    SAYS,
    SIGHT,
    SOMEONE,
    STRANGER,
    THINKS,
    THOUGHT,
    WRITES,
    WROTE,
    simplify,
)

ENDS = "：:，, \u3000"
SPOKE = re.compile(rf"[^，。！？：:]{{0,12}}?{SAY}[^，。！？：:]{{0,6}}(?=$|[，。：:、！])")
UNANSWERED = re.compile(f"(?:没有?|未曾?|不)[再曾]?{SAY}(?!反)")
"""(“…”) 老汤没有回答: who is spoken to."""
ONE_OF_MANY = re.compile("[一几数两][个名位]")
"""(“…”) 一个老人 (问): nobody who is known, even where an old man is."""
UNSPOKEN = {"thought": "a thought", "written": "something written"}
"""Kinds of tags whose quoted words nobody says → the reason."""


@dataclass(frozen=True, slots=True)
class Tag:
    """Words of the narrator's that bring in or follow a quoted line."""

    kind: str
    """"name" (its subject), "subject" (of a clause before), "beat" (who acts, without a verb of speech), "pronoun",
    "stranger", "thought", "written", or "verb": one of speech whose subject is not there."""
    speakers: tuple[str, ...] = ()
    """Who speaks; behind "verb", who acts before it, if anybody."""
    pronoun: str = ""
    scale: float = 1.0
    """How sure it is that speech is brought in, beside others of its kind."""
    again: bool = False
    """Whether "verb" goes on with the last speaker: 又道."""
    objects: tuple[str, ...] = ()
    """Who is named in the sentence of "verb", but not as its subject: 走到老汤面前."""

    @property
    def unspoken(self) -> str:
        """Why the quoted words are not spoken, or ""."""
        return UNSPOKEN.get(self.kind, "")


class TagReader:
    """Finds the tags of a book.

    Args:
        people: its names.
    """

    def __init__(self, people: NameLexicon) -> None:
        self._people = people
        self.many_in_one = False
        """Whether several people speak in one paragraph, as in the old novels."""

    def before(self, text: str) -> Tag | None:
        """What goes before: `黛玉听了，笑道：`. None where nothing there brings in speech."""
        simplified = simplify(text).rstrip()
        body = simplified.rstrip(ENDS)
        colon = simplified.endswith(("：", ":"))
        says = bool(SAYS.search(body[-14:])) and not NOT_SAY.search(body)
        if THINKS.search(body):
            return Tag("thought")
        if WROTE.search(body) or (not says and WRITES.search(body) and not NOT_WRITES.search(body)):
            return Tag("written")
        if not says and not colon:
            return None
        # In the old novels a colon alone brings in letters and lists as well as speech.
        scale = 1.0 if says and simplified != body else 0.8 if self.many_in_one else 0.95
        sentence = last_sentence(simplified)
        for distance, clause in enumerate(reversed(clauses(simplified, sentence))):
            heard = None if distance or self.many_in_one else HEARD.search(simplified, *clause)
            clause = (heard.end(), clause[1]) if heard else clause
            names, end = self._people.at_head(text, simplified, clause)
            if names == ():
                return Tag("pronoun", pronoun=_pronoun(simplified, end), scale=scale)
            if names:
                return Tag("subject" if distance else "name", names, scale=scale)
            seen = SIGHT.search(simplified, *clause)
            if (seen or not distance) and (name := self._people.inside(text, simplified, clause)):
                return Tag("subject", (name,), scale=scale)
            if seen or heard or (not distance and STRANGER.search(simplified[slice(*clause)])):
                return Tag("stranger")
        earlier = self.acting(text[: sentence[0]])
        again = bool(AGAIN.match(simplified.lstrip("」”』。，, ")))
        objects = tuple(self._people.mentions(text[slice(*sentence)]))
        return Tag("verb", (earlier,) if earlier else (), scale=scale, again=again, objects=objects)

    def beat(self, text: str) -> Tag | None:
        """What somebody does, told in a sentence that goes over into a quoted line: (“…”) 老汤摇摇头，(“…”)."""
        simplified = simplify(text).rstrip()
        if not simplified.endswith(("，", ",")):
            return None
        for clause in clauses(simplified, last_sentence(simplified)):
            names, end = self._people.at_head(text, simplified, clause)
            if names is not None:
                return Tag("beat", names) if names else Tag("pronoun", pronoun=_pronoun(simplified, end))
            if SOMEONE.match(simplified, end):
                return Tag("stranger")
        return None

    def after(self, text: str, more: bool, opens: bool) -> Tag | None:
        """What comes after: `宝玉说。`. Ending in a colon it brings in the next line, and may belong to that alone.

        Args:
            text: the narration behind a quoted line.
            more: whether another quoted line stands behind it.
            opens: whether the quoted line begins its paragraph.
        """
        start = len(text) - len(text.lstrip(ENDS))
        simplified = simplify(text)
        if (
            not self.many_in_one
            and (one := ONE_OF_MANY.match(simplified, start))
            and SPOKE.match(simplified, one.end())
        ):
            return Tag("stranger")
        names, end = self._people.at_head(text, simplified, (start, len(simplified)))
        if names is not None and THOUGHT.match(simplified, end):
            return Tag("thought")
        if names is None and not self.many_in_one and self._is_stranger(simplified, end):
            return Tag("stranger")
        spoke = SPOKE.match(simplified, end)
        if names is None or not spoke or UNANSWERED.search(spoke[0]):
            return None
        leads_on = more and simplified.rstrip().endswith(("：", ":"))
        if leads_on and (self.many_in_one or not opens):
            return None
        if not names:
            return Tag("pronoun", pronoun=_pronoun(simplified, end))
        return Tag("subject" if leads_on else "name", names)

    def _is_stranger(self, simplified: str, start: int) -> bool:
        """Whether somebody speaks there whose name the book does not make known, as in (“…”) 护士推开门喊道."""
        someone = SOMEONE.match(simplified, start)
        if someone and SPOKE.match(simplified, someone.end()):
            return True
        return AFTER.match(simplified, start) is not None

    def actors(self, text: str) -> list[str]:
        """Everybody who does something in a stretch of narration; he and she, whoever that is, are "他" and "她"."""
        simplified = simplify(text)
        subjects: list[str] = []
        for sentence in sentences(simplified):
            for clause in clauses(simplified, sentence):
                names, end = self._people.at_head(text, simplified, clause)
                if names is not None:
                    subjects += names or (_pronoun(simplified, end),)
        return subjects

    def acting(self, text: str) -> str | None:
        """Who does something in the last sentences of a stretch of narration."""
        simplified = simplify(text)
        for sentence in reversed(sentences(simplified)[-3:]):
            for clause in reversed(clauses(simplified, sentence)):
                names, _ = self._people.at_head(text, simplified, clause)
                if names:
                    return names[0]
        return None


def _pronoun(simplified: str, end: int) -> str:
    """The pronoun that ends there: 她, 他们."""
    return simplified[end - 2 : end] if simplified[end - 1] == "们" else simplified[end - 1 : end]


def sentences(simplified: str) -> list[tuple[int, int]]:
    """Where the sentences of a text begin and end."""
    spans, start = [], 0
    for mark in SENTENCE.finditer(simplified):
        spans.append((start, mark.start()))
        start = mark.end()
    return [(a, b) for a, b in [*spans, (start, len(simplified))] if b > a]
