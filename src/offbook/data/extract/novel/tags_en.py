"""What the narrator says beside a quoted line in English: `said Mr. Hale`, `she replied`, `Tom said, “…”`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from offbook.core.patterns import lazy_pattern
from offbook.data.extract.novel.address_en import CAPITAL_LETTER, HELD
from offbook.data.extract.novel.names_en import CALLED, LISTS, NAME, is_person, tidy
from offbook.data.extract.word_lists import one_of

Kind = Literal["name", "described", "pronoun", "thought", "written"]


@dataclass(frozen=True, slots=True)
class Tag:
    """Who is told to speak."""

    kind: Kind
    speaker: str
    """A tidy name, a description (the old man) or a pronoun."""
    addressee: str = ""
    """Who is spoken to, where a name says so."""
    also: str = ""
    """Who speaks with them."""
    verb: str = ""
    beside: bool = True
    """Whether who speaks stands right beside the verb."""


@dataclass(frozen=True, slots=True)
class Action:
    """Who does something in a sentence: its subject."""

    speaker: str
    pronoun: bool


SAY = one_of(LISTS["say"] | LISTS["say_phrase"])
"""said, went on"""
WEAK = one_of(LISTS["say_weak"] - LISTS["say"])
"""laughed, sighed: they tell of speech only beside a quoted line that ends in a comma."""
THINK = one_of(LISTS["think"])
PRONOUN = one_of(LISTS["he"] | LISTS["she"] | LISTS["they"] | {"I", "it"}) + r"\b"
_OWNER = rf"(?:(?:[Tt]he\s+)?[a-z]+(?:\s[a-z]+)?|{NAME})['’]s?"
"""Tom's (wife), the baker's (daughter)"""
_DETERMINER = (
    rf"(?:{_OWNER}|[Tt]he|[Hh]is|[Hh]er|[Mm]y|[Tt]heir|[Oo]ur|[Aa]n?|[Tt]his|[Tt]hat|[Oo]ne\sof\sthe|[Tt]he\sother)"
)
_STOP = r"(?:to|in|with|as|and|who|at|from|on|after|whose|which|had|was|again|when|for|of|by|without|looking|turning)"
DESCRIBED = (
    rf"{_DETERMINER}\s+(?:[a-z]+(?:-[a-z]+)*\s+){{0,3}}?[a-z]+(?:-[a-z]+)*(?=[,.;:!?]|\s+{_STOP}\b|\s[a-z]+ing\b|\s*$)"
)
"""the old gentleman, his wife"""
_SOMEBODY = rf"(?:{one_of(LISTS['somebody'])})(?:\s+of\s+(?:them|us|these|those))?"
"""one of them, somebody"""
_DESCRIBED_SUBJECT = rf"(?:{_SOMEBODY}|{_DETERMINER}\s+(?:[a-z]+(?:-[a-z]+)*\s+){{0,3}}?[a-z]+(?:-[a-z]+)*)"
_ADVERB = rf"(?:(?:[a-z]+ly|{one_of(LISTS['adverb'])}|{one_of(LISTS['auxiliary'])})\s+)*"
_ING = one_of(LISTS["saying"])
_SPEAKS = rf"(?P<verb>{SAY}|{THINK}|{_ING})"

VERB_FIRST = lazy_pattern(
    rf"^[\s,—–-]*(?:and\s+|so\s+)?(?:[a-z]+ly\s+)?(?P<verb>{SAY}|{WEAK}|{THINK})\s+(?:[a-z]+ly\s+)?"
    rf"(?P<speaker>(?:{CALLED}|{NAME})(?!['’]s?\b)|{PRONOUN}|{DESCRIBED})"
)
"""(“…,”) said Mr. Hale"""
NAME_FIRST = lazy_pattern(
    rf"^[\s,—–-]*(?:and\s+|but\s+|so\s+)?(?P<speaker>(?:{CALLED}|{NAME})(?!['’]s?\b)|{PRONOUN}|{_DESCRIBED_SUBJECT})\s+{_ADVERB}"
    rf"(?P<verb>{SAY}|{_ING}|{WEAK}|{THINK})\b"
)
"""(“…,”) Mr. Hale slowly answered"""
VOICE = lazy_pattern(rf"(?<=\s)(?P<owner>(?:[Tt]he\s+)?(?:{CALLED}|{NAME}))['’]s\s+voice\b")
"""(said) the Keeper's voice"""
APPOSED = lazy_pattern(rf"^[\s,—–-]*(?:{SAY})\s+(?:he|she),\s+(?P<speaker>{NAME})(?=[,.])")
IN_LEAD = lazy_pattern(
    rf"(?:^|(?<=[\s,—–-]))(?P<speaker>(?:{CALLED}|{NAME})(?!['’]s?\b)|{PRONOUN}|{_DESCRIBED_SUBJECT})\s+{_ADVERB}{_SPEAKS}\b"
)
"""Tom slowly said (, “…”)"""
_LEAD_VERB_FIRST = lazy_pattern(
    rf"\b(?P<verb>{SAY})\s+(?P<speaker>(?:{CALLED}|{NAME})(?!['’]s?\b)|{PRONOUN})(?=[,:\s]|$)"
)
TOGETHER = lazy_pattern(rf"\s+and\s+(?P<speaker>(?:{CALLED}|{NAME}))(?=[,.;:]|--|\s+(?:together|at\s+once)|\s*$)")
"""(said Ann) and Tom"""
ANY_SAY = lazy_pattern(rf"\b(?:{SAY}|{_ING}|speaking|words|voice|answer|reply|question|thus|follows)\b")
ENDS_SAYING = lazy_pattern(rf"\b(?:{SAY}|{_ING})\s*[,:—–-]*\s*$")
"""(Tom wiped the glass and) said:"""
THINKS = lazy_pattern(rf"\b{THINK}\b[^,.;]{{0,40}}[,:]?\s*$")
WRITES = lazy_pattern(rf"\b{one_of(LISTS['write'] - {'called', 'read', 'reads'})}\s*[,:]?\s*$")
_THING = one_of(LISTS["written_on"])
_PLAIN = rf"(?!{one_of(LISTS['object_of'] | {'holding', 'carrying', 'wearing', 'the', 'his', 'her', 'a'})}\b)"
READS = lazy_pattern(
    rf"(?:(?:^|[,;]\s|\band\s)\s*(?:[Tt]he|[Aa]n?|[Hh]is|[Hh]er|[Mm]y|[Tt]heir|[Aa]nother|[Oo]ne|[A-Z]\w+['’]s?)\s+(?:{_PLAIN}[a-z-]+\s+){{0,3}}{_THING}"
    rf"(?:\s+(?!and\b|but\b)(?:[a-z'’]+|(?<=from\s|..of\s)[A-Z]\w+)){{0,7}}?(?<!\bhe)(?<!\bshe)(?<!\bthey)\s(?:say|said|says|reads?)"
    r"|\b(?:[Ii]t|[Tt]hey|that|which)\s+(?:just\s|simply\s|only\s)?reads?)(?:\s+(?:only|simply|just))?\s*[,:]?\s*$"
    rf"|\b{_THING}(?:\s+from\s+[^.,;:]{{1,30}})?:\s*$"
)
"""The sign on the door said (“Closed”), It read:, a text from Theo:"""
_NOT_QUITE = (
    r"(?:not|n['’]t|never|almost|nearly|about\s+to|going\s+to|(?:want|wish|mean)(?:s|ed|es)?\s+to|meant\s+to"
    r"|(?:would|could|should|might)(?:\s+not|n['’]t)?\s+have)\s+(?:even\s+|just\s+|ever\s+|quite\s+)?"
    rf"(?:{SAY}|ask|tell|whisper|shout|scream|add)"
)
UNSAID = lazy_pattern(rf"{_NOT_QUITE}\s*[,:]?\s*$")
"""He did not say (“Stay.”)"""
UNSAID_BEHIND = lazy_pattern(
    rf"^[\s,—–-]*(?:{NAME}|{PRONOUN})\s*(?:[a-z]+\s+){{0,2}}?[a-z]*?{_NOT_QUITE}(?=\s*[,.;:!?—–-]|\s*$|\s+aloud)"
)
"""(“Stay,”) he doesn't say"""
LEADS_ON = lazy_pattern(rf"(?:[,:—–-]|\b(?:{SAY}|{_ING})(?:\s+(?:to\s+\w+|[a-z]+ly|in\s+an?\s+[a-z ]{{3,30}}))?)\s*$")
"""How narration ends that brings in a quoted line: (Tom said) to himself “…”"""
SENTENCE = lazy_pattern(
    r"(?<=[.!?;])(?<!\bMr\.)(?<!\bMrs\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\bMs\.)(?<!\bRev\.)(?<!\b[A-Z]\.)[)\"'’”]*\s+"
)
INDIRECT = lazy_pattern(r"\s+(?:that|how|whether|if|what|why|nothing|no|not|in\s+the\s+(?:affirmative|negative))\b")
"""(Tom replied) that it was"""
ADDRESSEE = lazy_pattern(
    rf"\b(?:to|at|towards?|of|upon|told|asked|asking|addressing)\s+(?P<speaker>(?:{CALLED}|{NAME})(?!['’]s?\b))(?!['’]s)"
)
MENTION = lazy_pattern(rf"(?<![^\W\d_])(?P<speaker>{NAME})(?P<owner>['’]s?(?![^\W\d_]))?")
LAST_WORD = lazy_pattern(r"[^\W\d_]+$")
LONGEST_WORD = 60
SUBJECT_PRONOUN = lazy_pattern(
    rf"^[\s—–\"'”’,-]*(?:(?:{one_of(LISTS['conjunction'])}),?\s+|[A-Za-z]+ly,?\s+)?(?P<speaker>He|She|he|she|They|they|I)\b",
    re.IGNORECASE,
)
CLAUSE_BEFORE = lazy_pattern(r"^[^,]*,\s+")
CONJUNCTION = lazy_pattern(r"[,;]?\s+(?:and|but|for|that|when|while|as|which|until|till)\s+")
CLAUSES = lazy_pattern(r"(?:[,;:]|--|—)\s*")
CLAUSE_SUBJECT = lazy_pattern(
    rf"(?:(?:{one_of(LISTS['conjunction'])})\s+)*(?P<speaker>(?:{CALLED}|{NAME})(?!['’]s?\b)|{PRONOUN})(?=\s+[a-z]|\s*$)"
)
HE = lazy_pattern(rf"\b{one_of(LISTS['him'])}\b", re.IGNORECASE)
SHE = lazy_pattern(rf"\b{one_of(LISTS['her'])}\b", re.IGNORECASE)


@lru_cache(HELD)
def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a stretch of narration."""
    return tuple(part for part in SENTENCE.split(text) if part)


@lru_cache(HELD)
def after(tail: str, comma: bool) -> Tag | None:
    """The tag at the head of what follows a quoted line.

    Args:
        tail: the narration behind the quoted line.
        comma: whether the quoted line ends in a comma, so that the sentence goes on.
    """
    tail = VOICE.sub(r"\g<owner>", tail) if "voice" in tail else tail
    verb_first = VERB_FIRST.match(tail)
    if not verb_first and (comma or tail.lstrip()[:1].islower()) and UNSAID_BEHIND.match(tail):
        return Tag("thought", "")
    match = verb_first or NAME_FIRST.match(tail)
    if not match:
        return None
    together = TOGETHER.match(tail, match.end("speaker")) if verb_first else None
    verb = match["verb"]
    weak = verb in LISTS["say_weak"]
    if weak and not comma:
        return None
    if apposed := APPOSED.match(tail):
        match = apposed
    rest = tail[match.end("speaker") :]
    if verb in LISTS["think"]:
        return Tag("thought", "")
    if not comma and INDIRECT.match(tail, match.end()):
        return None
    first = re.split(r"[.!?;“‘\"]", rest, maxsplit=1)[0][:80]
    tag = _tag(match["speaker"], verb, first)
    if tag and tag.kind == "name" and together and is_person(tidy(together["speaker"])):
        tag = replace(tag, also=tidy(together["speaker"]), addressee="")
    return tag


def further_clause(sentence: str) -> str:
    """What follows the tag in its sentence, where that brings in another's line: (said Tom, and) Ann answered."""
    parts = [match.end() for match in CONJUNCTION.finditer(sentence)]
    return next((sentence[start:] for start in reversed(parts) if IN_LEAD.match(sentence, start)), "")


def is_written(lead: str) -> bool:
    """Whether what goes before a quoted line tells where its words are written."""
    return any(READS.search(sentence) for sentence in sentences(lead.strip())[-1:])


@lru_cache(HELD)
def before(lead: str) -> Tag | None:
    """The tag in the sentence that runs into a quoted line."""
    last = sentences(lead.strip())
    if is_written(lead):
        return Tag("written", "")
    if not LEADS_ON.search(lead) or not last:
        return None
    sentence = last[-1]
    if THINKS.search(sentence) or UNSAID.search(sentence):
        return Tag("thought", "")
    if WRITES.search(sentence):
        return Tag("written", "")
    for pattern in (IN_LEAD, _LEAD_VERB_FIRST):
        closest = [match for match in pattern.finditer(sentence) if match["verb"] not in LISTS["think"]]
        if closest and (tag := _tag(closest[-1]["speaker"], closest[-1]["verb"], sentence[closest[-1].end() :])):
            return tag
    if not ANY_SAY.search(sentence) and not sentence.rstrip().endswith(":"):
        return None
    full = " ".join(re.split(r"(?<=[.!?])\s+", " ".join(last))[-1:]) if sentence[:1].islower() else sentence
    action = _acting(full) or subject(full)
    if action is None:
        return None
    opens = action.pronoun or full.startswith(action.speaker)
    return Tag(
        "pronoun" if action.pronoun else "name",
        action.speaker,
        _addressee(full, action.speaker),
        beside=opens and bool(ENDS_SAYING.search(full)),
    )


def _acting(sentence: str) -> Action | None:
    """Who acts in the last of a sentence's clauses that begins with somebody (Tom rose, and with a bow, said)."""
    for clause in reversed(CLAUSES.split(sentence)):
        match = CLAUSE_SUBJECT.match(clause)
        if not match:
            continue
        speaker = match["speaker"]
        if re.fullmatch(PRONOUN, speaker):
            return Action(speaker if speaker == "I" else speaker.lower(), True)
        if is_person(tidy(speaker)):
            return Action(tidy(speaker), False)
    return None


def _tag(speaker: str, verb: str, rest: str) -> Tag | None:
    speaker = re.sub(r"\s+", " ", speaker)
    if re.fullmatch(PRONOUN, speaker):
        return Tag("pronoun", speaker, _addressee(rest, speaker), verb=verb)
    name = tidy(speaker)
    if name[:1].isupper() and not speaker.startswith(("The ", "A ", "An ", "His ", "Her ", "My ")):
        return Tag("name", name, _addressee(rest, name), verb=verb) if is_person(name) else None
    if speaker[0].isupper() and is_person(name) and CALLED_NAME.fullmatch(speaker):
        return Tag("name", name, _addressee(rest, name), verb=verb)
    last = speaker.split()[-1]
    if re.fullmatch(PRONOUN, last):
        return Tag("pronoun", last, _addressee(rest, last), verb=verb)
    if last in LISTS["object_of"] or last in LISTS["conjunction"]:
        return None
    described = re.sub(r"^[A-Z]", lambda first: first[0].lower(), speaker)
    described = re.sub(r"(?<=[a-z]) [a-z]+ly$", "", described)
    return Tag("described", described, _addressee(rest, speaker), verb=verb)


CALLED_NAME = lazy_pattern(CALLED)
TO_SOMEBODY = lazy_pattern(rf"\s+(?P<speaker>{CALLED}|{NAME})(?![^\W\d_]|['’]s)")
"""(asked) Tom"""


def _addressee(rest: str, speaker: str) -> str:
    match = TO_SOMEBODY.match(rest) or ADDRESSEE.search(rest)
    name = tidy(match["speaker"]) if match else ""
    return name if name != speaker and is_person(name) else ""


@lru_cache(HELD)
def subject(sentence: str) -> Action | None:
    """Who does something in a sentence: a pronoun at its head, else the first name that is nobody's object or owner."""
    if match := SUBJECT_PRONOUN.match(sentence):
        return Action(match["speaker"].lower() if match["speaker"] != "I" else "I", True)
    for mention in _mentions(sentence):
        preceding = _word_before(sentence, mention.start)
        if mention.owns or preceding.lower() in LISTS["object_of"]:
            continue
        if preceding and mention.name in LISTS["given"]:
            continue  # (in) May
        return Action(mention.name, False)
    return None


@dataclass(frozen=True, slots=True)
class _Mention:
    """A person's name in a text."""

    start: int
    name: str
    owns: bool
    """Whether something is theirs: Tom's."""


@lru_cache(HELD)
def _mentions(text: str) -> tuple[_Mention, ...]:
    """The names of persons in a text, in order."""
    named = []
    at = 0
    for capital in CAPITAL_LETTER.finditer(text):
        if capital.start() < at or not (match := MENTION.match(text, capital.start())):
            continue
        at = match.end()
        if is_person(name := tidy(match["speaker"])):
            named.append(_Mention(match.start(), name, match["owner"] is not None))
    return tuple(named)


def _word_before(text: str, at: int) -> str:
    """The word that stands before a place in a text, with nothing but spaces between; "" where none does."""
    head = text[max(0, at - LONGEST_WORD) : at]
    bare = head.rstrip()
    word = LAST_WORD.search(bare.rpartition(" ")[2]) if bare[-1:].isalpha() and len(bare) < len(head) else None
    return word[0] if word else ""


def mentions(text: str, inside: bool = False) -> list[str]:
    """The names in a stretch of narration, in order; only those inside a sentence, not at its head, if asked."""
    return [each.name for each in _mentions(text) if not inside or _word_before(text, each.start)]
