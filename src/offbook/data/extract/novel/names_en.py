"""The people of an English novel, learned from it: how they are called, which names are one person, he or she."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from offbook.data.extract.word_lists import load, one_of

LISTS = load("novel", "en")

CAPITAL = "[A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĘĚĞĢĪĶĹĽŁŃŅŇŌŐŒŘŚŞŠŢŤŪŮŰŹŻŽ]"
_JOINED = r"(?:['’](?!s\b)[^\W\d_]+|-[^\W\d_]+)"
"""What lengthens a name: O'Brien, D’Arcy, Anne-Marie; no owner's 's."""
WORD = rf"{CAPITAL}[^\W\d_]*{_JOINED}*"
"""José, O'Brien, McTavish"""
_ANY_TITLE = one_of(LISTS["title_male"] | LISTS["title_female"] | LISTS["title"])
TITLE = rf"(?:{_ANY_TITLE}\.?(?=\s))"
"""Mr., Lady, Old"""
_PARTICLE = rf"{one_of(LISTS['particle'])}\s+"
NAME = rf"(?:{TITLE}\s+)*(?:{CAPITAL}\.\s+)*{WORD}(?:\s+(?:{_PARTICLE}){{0,2}}{WORD}){{0,3}}(?![^\W\d_])"
"""Mr. Hale, Lady Catherine de Bourgh, J. P. Smith"""
CALLED = (
    rf"(?:[Tt]he|[Pp]oor|[Oo]ld|[Yy]oung|[Ll]ittle|[Dd]ear|[Gg]ood|[Bb]ig)\s+(?:{one_of(LISTS['epithet'])}\s+)?{NAME}"
)
"""the Keeper, the old Sailor, poor Tom"""
_EPITHETS = re.compile(rf"^(?:(?:[Tt]he|Poor|Dear|{one_of(LISTS['epithet'])})\s+)+")
_TITLES = re.compile(rf"^(?:{TITLE}\s+)+")
_MALE_TITLE = re.compile(rf"^{one_of(LISTS['title_male'])}(?=\s|$)")
_FEMALE_TITLE = re.compile(rf"^{one_of(LISTS['title_female'])}(?=\s|$)")
_SPACES = re.compile(r"\s+")

MALE, FEMALE = "m", "f"
ACTS = 2
"""Who stands in no tag is somebody who acts so often beside quoted lines."""
OFTEN = 2
"""A person's gender is known from so many pronouns."""


@lru_cache(20_000)
def tidy(name: str) -> str:
    """A name as it is listed: single spaces, no article and no epithet before it.

    >>> tidy("the  Keeper"), tidy("poor Tom"), tidy("Mr. Hale")
    ('Keeper', 'Tom', 'Mr. Hale')
    """
    name = _SPACES.sub(" ", name).strip()
    bare = _EPITHETS.sub("", name)
    words = bare.split() if bare[:1].isupper() else name.split()
    while words and words[0] in _NOT_IN_NAMES:
        words = words[1:]
    return " ".join(words)


_TITLE_WORDS = LISTS["title_male"] | LISTS["title_female"] | LISTS["title"]
_NOT_IN_NAMES = LISTS["not_a_name"] - LISTS["given"] - _TITLE_WORDS


@lru_cache(20_000)
def is_person(name: str) -> bool:
    """Whether the words of a tidy name can name somebody."""
    words = name.split()
    last_names = bool(words) and (words[-1] not in LISTS["not_a_name"] or words[-1] in LISTS["given"])
    return last_names and words[0][:1].isupper()


def gender_of(words: str) -> str:
    """The gender that a title or a noun of the words tells: "m", "f" or "" where none does.

    >>> gender_of("Lady Anne"), gender_of("the old gentleman"), gender_of("Tom")
    ('f', 'm', '')
    """
    if _FEMALE_TITLE.match(words):
        return FEMALE
    if _MALE_TITLE.match(words):
        return MALE
    last = words.split()[-1].casefold() if words else ""
    return FEMALE if last in LISTS["female"] else MALE if last in LISTS["male"] else ""


@dataclass(slots=True)
class Person:
    """Somebody and the names that mean them."""

    names: Counter[str] = field(default_factory=Counter)
    """Name → how often it stands in a speech tag."""
    he: int = 0
    she: int = 0
    gender: str = ""
    name: str = ""
    """The name that stands most often in speech tags, once the book has been gone through."""


class CharacterLexicon:
    """Everybody who is named in a speech tag of the book."""

    def __init__(self) -> None:
        self._tagged: Counter[str] = Counter()
        self._acting: Counter[str] = Counter()
        self._inside: set[str] = set()
        """Names that stand inside a sentence, where other words have no capital."""
        self._he: Counter[str] = Counter()
        self._she: Counter[str] = Counter()
        self._persons: dict[str, Person] = {}
        self._with_word: defaultdict[str, set[str]] = defaultdict(set)
        """Word → the persons' names that have it; "" → those that are nothing but a title."""
        self._looked_up: dict[str, Person | None] = {}

    def count_tag(self, name: str) -> None:
        """Note a name beside a verb of speech."""
        self._tagged[name] += 1

    def count_actions(self, names: Iterable[str]) -> None:
        """Note who acts beside quoted lines."""
        self._acting.update(names)

    def count_inside(self, names: Iterable[str]) -> None:
        """Note names inside sentences and forms of address."""
        self._inside.update(names)

    def count_pronoun(self, name: str, is_he: bool) -> None:
        """Note the pronoun of a sentence in which the name alone is named: he, or else she."""
        (self._he if is_he else self._she)[name] += 1

    def finish(self) -> None:
        """The book has been gone through: decide which names are one person, and who is he or she."""
        # Longer names come first: whom a surname alone means depends on who has it.
        for name in sorted(self._tagged, key=lambda name: (-len(name.split()), name)):
            person = self._one_of(name) or Person()
            person.names[name] += self._tagged[name]
            person.gender = person.gender or gender_of(name)
            self._add(name, person)
        for name in sorted(self._acting.keys() - self._tagged.keys()):
            acts = _is_titled(name) or self._acting[name] >= ACTS
            if acts and name in self._inside and not self._one_of(name):
                self._add(name, Person(Counter({name: 0}), gender=gender_of(name)))
        for name, person in self._persons.items():
            person.he += self._he[name]
            person.she += self._she[name]
        for person in self._persons.values():
            person.gender = person.gender or _gender(person.he, person.she)
            person.name = max(person.names, key=lambda name: (person.names[name], len(name)))

    def get(self, name: str) -> Person | None:
        """The person whom a speech tag calls so, or whose name this one shortens or lengthens; None if nobody's."""
        if name not in self._looked_up:
            self._looked_up[name] = self._persons.get(name) or self._one_of(name)
        return self._looked_up[name]

    def tagged(self, name: str) -> int:
        """How often a person's names stand in speech tags."""
        person = self.get(name)
        return person.names.total() if person else 0

    def _add(self, name: str, person: Person) -> None:
        self._persons[name] = person
        for word in _words(name) or ("",):
            self._with_word[word].add(name)

    def _one_of(self, name: str) -> Person | None:
        """The one person among those known whose name this one shortens or lengthens, if there is just one."""
        gender = gender_of(name) or self._evidence(name)
        matches: list[Person] = []
        words = _words(name)
        alike = set[str]().union(*(self._with_word[word] for word in (*words, ""))) if words else self._persons.keys()
        for other in alike:
            if not _may_be_one(name, other):
                continue
            person = self._persons[other]
            other_gender = person.gender or self._evidence(other)
            if gender and other_gender and gender != other_gender:
                continue
            if not any(person is match for match in matches):
                matches.append(person)
        return matches[0] if len(matches) == 1 else None

    def _evidence(self, name: str) -> str:
        return _gender(self._he[name], self._she[name])


def _gender(he: int, she: int) -> str:
    if he + she < OFTEN:
        return ""
    share = he / (he + she)
    return MALE if share >= 0.7 else FEMALE if share <= 0.3 else ""


@lru_cache(20_000)
def _words(name: str) -> tuple[str, ...]:
    """The words of a name without its titles."""
    return tuple(_TITLES.sub("", name).split())


@lru_cache(20_000)
def _is_titled(name: str) -> bool:
    return bool(_TITLES.match(name))


def _may_be_one(name: str, other: str) -> bool:
    """Whether one name shortens the other: Anne and Anne Hale, Hale and Mr. Hale; not Miss Hale and Anne Hale."""
    a, b = _words(name), _words(other)
    short, long = (name, other) if len(a) <= len(b) else (other, name)
    a, b = (a, b) if len(a) <= len(b) else (b, a)
    if a != b[: len(a)] and a != b[-len(a) :]:
        return False
    if _is_titled(short) and _is_titled(long):
        return a == b[: len(a)] and gender_of(short) == gender_of(long)
    return a == b or not _is_titled(short)
