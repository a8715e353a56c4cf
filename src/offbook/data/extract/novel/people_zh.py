"""Who is who in a modern Chinese novel: one label for the names of a person, their gender, how they are called."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

from offbook.data.extract.novel.names_zh import NameLexicon
from offbook.data.extract.novel.words_zh import LISTS, ME, simplify
from offbook.data.extract.word_lists import one_of

ENDEARMENT = re.compile(one_of(LISTS["endearment"]))
"""小(晚), (晚)儿"""
TITLE = re.compile(one_of(LISTS["title"]) + "$")
"""(陈) 总"""
FEMALE_NAME = re.compile(one_of(LISTS["woman"]) + "$")
MALE_NAME = re.compile(one_of(LISTS["man"]) + "$")
HE, SHE = "m", "f"
CLEAR = 0.7
"""Share of the pronouns beside a name from which on they tell its bearer's gender."""
FEWEST = 2


class PeopleZh:
    """The persons behind a book's names.

    Args:
        names: the names, all known once `finish` is called.
    """

    def __init__(self, names: NameLexicon) -> None:
        self._names = names
        self._pronouns: dict[str, Counter[str]] = defaultdict(Counter)
        self._tagged: Counter[str] = Counter()
        self._labels: dict[str, str] = {}
        self._given: dict[str, set[str]] = defaultdict(set)
        """A character → the persons whose given names have it."""
        self._surnamed: dict[str, set[str]] = defaultdict(set)
        """A first character → the persons whose names begin with it."""
        self._called: dict[str, str] = {}

    @staticmethod
    def pronoun_gender(pronoun: str) -> str:
        """The gender of a pronoun: "m" for 他, "f" for 她, else an empty string."""
        return SHE if pronoun.startswith("她") else HE if pronoun == "他" else ""

    def count_pronoun(self, name: str, gender: str) -> None:
        """Take note of a pronoun in a sentence that names one person."""
        self._pronouns[name][gender] += 1

    def count_tag(self, name: str) -> None:
        """Take note of somebody who is named in a speech tag."""
        self._tagged[name] += 1

    def finish(self) -> None:
        """The book has been gone through: 晓棠 is 苏晓棠 where nobody else is."""
        names = self._names.all_names()
        longer = defaultdict(list)
        for name in names:
            for start in range(1, len(name) - 1):
                longer[name[start:]].append(name)
        self._labels = {name: longer[name][0] for name in names if len(longer[name]) == 1}
        for person in {self.label(name) for name in names}:
            self._surnamed[person[0]].add(person)
            for character in person[1:]:
                self._given[character].add(person)

    def label(self, name: str) -> str:
        """One label for all names of a person."""
        return self._labels.get(name, name)

    def tagged(self, name: str) -> int:
        """How often somebody is named in speech tags."""
        return self._tagged[name]

    def gender(self, name: str) -> str:
        """The gender of somebody's label: "m", "f" or "" where it cannot be told; the teller's is "I"."""
        if name in ME:
            return "I"
        simplified = simplify(name)
        if FEMALE_NAME.search(simplified):
            return SHE
        if MALE_NAME.search(simplified):
            return HE
        counts = self._pronouns.get(name)
        if not counts or counts.total() < FEWEST:
            return _by_given_name(simplified)
        gender, most = counts.most_common(1)[0]
        return gender if most >= CLEAR * counts.total() else ""

    def called(self, call: str) -> str:
        """Whom a form of address means: a name, a part of a given name (小晚, 晚晚), a surname and a title (陈总)."""
        if call not in self._called:
            self._called[call] = self._whom(call)
        return self._called[call]

    def _whom(self, call: str) -> str:
        if self._names.at(call, 0) == call:
            return self.label(call)
        bare = ENDEARMENT.sub("", call)
        given = set.intersection(*(self._given.get(character, set()) for character in bare)) if bare else set()
        if len(given) == 1:
            return next(iter(given))
        if not TITLE.match(simplify(call[1:])):
            return ""
        titled = {name for name in self._surnamed.get(call[0], ()) if name[1:2] != call[1:2]}
        return titled.pop() if len(titled) == 1 else ""


def _by_given_name(simplified: str) -> str:
    """The gender that the last character of a given name tells: 桂兰, 建国."""
    last = simplified[-1:]
    return SHE if last in LISTS["womans_name"] else HE if last in LISTS["mans_name"] else ""
