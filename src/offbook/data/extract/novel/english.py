"""Who says a quoted line in an English novel: `“…,” said Mr Darcy`, `Emma turned and said, “…”`, turns without names.

A paragraph is one person's turn, so whoever surely says one of its lines says them all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from offbook.data.extract.novel.attribution import (
    ACTS,
    NAMED,
    NEARBY,
    NOBODY,
    PRONOUN,
    TURN,
    Attribution,
    DialogueState,
    shared,
)
from offbook.data.extract.novel.quotes import Paragraph, Piece
from offbook.data.extract.word_lists import one_of, words


def _one(text: str) -> str:
    return one_of(words(text))


TITLE = _one(
    "Mr Mrs Miss Ms Dr Sir Lady Lord Colonel Captain Major General Admiral Professor Doctor Aunt Uncle Father Mother"
    " Brother Sister King Queen Prince Princess Madame Monsieur Madam Master Mistress Saint St Rev Old Young Little"
)
NAME = rf"(?:{TITLE}\.?\s+)*[A-Z][a-zA-Z]+(?:['’][A-Z][a-z]+)?(?:[\s-](?:de\s|von\s|of\s)?[A-Z][a-z]+){{0,3}}"
SOMEBODY = (
    r"(?:the|his|her|my|their|our|an?)\s+(?:[a-z]+(?:-[a-z]+)?\s+){0,2}?[a-z]+"
    r"(?=[,.;:]|\s+(?:to|in|with|as|and|who|at|from|on|after)\b|$)"
)
HE = r"(?:he|she|He|She|they|They|I)"
SAY = _one(
    "said says say cried cries replied replies answered answers asked asks returned exclaimed continued added observed"
    " remarked repeated whispered muttered murmured shouted called inquired enquired demanded declared rejoined began"
    " interrupted sighed laughed growled snapped insisted explained agreed admitted suggested ordered sobbed screamed"
    " yelled gasped hissed stammered protested announced resumed responded retorted ejaculated grumbled pleaded begged"
    " urged warned echoed persisted pursued concluded commented mused croaked chuckled grinned groaned"
)
THINK = r"(?:thought|thinks|wondered|reflected)"
WRITE = r"(?:wrote|writes|written|reads?|inscribed|entitled|titled|called|named|labell?ed)"

VERB_FIRST = re.compile(rf"^[\s,—–-]*(?P<verb>{SAY}|{THINK})\s+(?P<who>{NAME}|{HE}\b|{SOMEBODY})")
NAME_FIRST = re.compile(
    rf"^[\s,—–-]*(?P<who>{NAME}|{HE}\b|(?:The|His|Her|My|Their|the|his|her|my)\s+[a-z]+(?:\s[a-z]+)??)\s+"
    rf"(?:[a-z]+ly\s+|then\s+|now\s+|only\s+|at\slast\s+|had\s+)*(?P<verb>{SAY}|{THINK})\b"
)
SAYS = re.compile(rf"\b(?:{SAY}|went on|put in|broke in|spoke|told [A-Za-z]+|speaking|saying|crying|adding)\b")
THINKS = re.compile(rf"\b{THINK}\b[^,.;]{{0,40}}[,:]?\s*$")
WRITES = re.compile(rf"\b{WRITE}\s*[,:]?\s*$")
LEADS_ON = re.compile(r"[,:—–-]\s*$")
SENTENCE = re.compile(r"(?<=[.!?;])(?<!\bMr\.)(?<!\bMrs\.)(?<!\bDr\.)(?<!\bSt\.)\s+")
SUBJECT = re.compile(rf"(?P<who>\b{NAME})(?P<owner>['’]s?\b)?")
WORD_BEFORE = re.compile(r"([A-Za-z]+)\s+$")
OBJECT_OF = words(
    """
    to with of at for by from upon on towards toward after before about than like into over near beside behind
    against between told asked seeing hearing addressing answered and
    """
)
NOT_A_NAME = words(
    """
    The A An And He She They I We You But Then When While As At In On If So Yet For Or Nor With After Before
    This That These Those There Here What Who How Why Where Which It Its His Her My Our Your Their Now Never Not
    No Yes Oh Ah Well Upon To From By Such All Some Every Each Another Nothing Something Everybody Nobody Once
    Still Just Only Perhaps Indeed Thus Having Being Though Although Since Until Unless Monday Tuesday Wednesday
    Thursday Friday Saturday Sunday God Heaven Good Dear Everyone Soon Later Sometimes Suddenly Finally Presently
    Turning Looking Chapter
    """
)
MALE = re.compile(r"^(?:Mr|Sir|Lord|Colonel|Captain|Major|General|Admiral|Uncle|Father|Brother|King|Prince)\b")
FEMALE = re.compile(r"^(?:Mrs|Miss|Ms|Lady|Aunt|Mother|Sister|Queen|Princess|Madam|Madame)\b")


class English:
    """Attribution of quoted lines in English prose. Capitals show the names, so nothing has to be learned."""

    def learn(self, paragraph: Paragraph, pieces: Sequence[Piece]) -> None:
        """Nothing to learn."""

    def settle(self) -> None:
        """Nothing to settle."""

    def guess(self, pieces: Sequence[Piece], memory: DialogueState) -> list[Attribution]:
        """A guess for every piece that is said, in order."""
        guesses = []
        for place, piece in enumerate(pieces):
            if not piece.said:
                memory.subject = _subject(SENTENCE.split(piece.text.strip())[-1]) or memory.subject
                continue
            lead = pieces[place - 1].text if place and not pieces[place - 1].said else ""
            tail = pieces[place + 1].text if place + 1 < len(pieces) and not pieces[place + 1].said else ""
            guesses.append(_guess(piece, lead, tail, memory))
        guesses = shared(guesses)
        for guess in guesses[:1]:
            if not guess.unspoken:
                memory.spoke(guess)
        return guesses


def _guess(piece: Piece, lead: str, tail: str, memory: DialogueState) -> Attribution:
    for found in (_after(tail, memory), _before(lead, memory)):
        if found:
            return found
    words = piece.text.split()
    if len(words) <= 6 and not re.search(r"[,.!?;…—-]$", piece.text) and (lead or tail):
        return Attribution((), NOBODY, "words in quotation marks")
    acting = _subject(SENTENCE.split(lead.strip())[-1]) or _subject(tail.strip())
    if acting:
        return Attribution((acting,), ACTS)
    other = memory.other()
    return Attribution(other, TURN if other else NOBODY)


def _after(tail: str, memory: DialogueState) -> Attribution | None:
    """`said Mr Darcy`, `he said`, `Emma then replied`."""
    found = VERB_FIRST.match(tail) or NAME_FIRST.match(tail)
    if not found:
        return None
    if re.fullmatch(THINK, found["verb"]):
        return Attribution((), NOBODY, "a thought")
    return _called(found["who"], NAMED, memory)


def _before(lead: str, memory: DialogueState) -> Attribution | None:
    """`Emma, turning round, said, `: the subject of the sentence that runs into the quoted line."""
    if not LEADS_ON.search(lead):
        return None
    sentence = SENTENCE.split(lead.strip())[-1]
    if THINKS.search(sentence):
        return Attribution((), NOBODY, "a thought")
    if WRITES.search(sentence):
        return Attribution((), NOBODY, "something written")
    if not SAYS.search(sentence) and not sentence.rstrip().endswith(":"):
        return None
    closest = list(re.finditer(rf"(?P<who>{NAME}|\b{HE}\b)\s+(?:[a-z]+ly\s+|then\s+|only\s+)*{SAY}\b", sentence))
    if closest and closest[-1]["who"].split()[0] not in NOT_A_NAME:
        return _called(closest[-1]["who"], NAMED, memory)
    subject = _subject(sentence)
    return _called(subject, NEARBY, memory) if subject else None


def _called(who: str, confidence: float, memory: DialogueState) -> Attribution | None:
    """The guess for whoever is called so; he and she are whoever was named last, unless a title forbids it."""
    who = re.sub(r"\s+", " ", who)
    who = re.sub(r"(?<=[a-z]) [a-z]+ly$", "", who) if who[0].islower() else who
    if re.fullmatch(HE, who):
        if who == "I":
            return Attribution(("I",), confidence)
        subject = memory.subject or ""
        wrong = FEMALE if who.lower() == "he" else MALE
        return Attribution((subject,), PRONOUN) if subject and not wrong.match(subject) else Attribution((), PRONOUN)
    if who.split()[0] in NOT_A_NAME and not who[0].islower():
        return None
    return Attribution((who,), confidence if who[0].isupper() else ACTS)


def _subject(sentence: str) -> str | None:
    """The first name in a sentence that is neither somebody's object nor an owner."""
    for found in SUBJECT.finditer(sentence):
        before = WORD_BEFORE.search(sentence, 0, found.start())
        if found["owner"] or (before and before[1].lower() in OBJECT_OF):
            continue
        words = found["who"].split()
        while words and words[0] in NOT_A_NAME:
            words = words[1:]
        if words:
            return " ".join(words)
    return None
