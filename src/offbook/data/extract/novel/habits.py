"""How the people of a novel speak and call each other, learned from the turns whose tags name them.

A form of address (`Lizzy`, `papa`, `sir`) tells who is spoken to, and so who speaks next; the words that somebody
uses tell a little of who speaks. Both are learned from the book itself, as log weights for `dialogue.py`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from math import log, log1p

PRIOR_WORDS = 300.0
"""A speaker's words count against the book's as if so many of the book's were among them."""
PRIOR_CALLS = 2.0
"""The same for forms of address."""
FEW_CALLS = 3
"""A form of address that was answered less often tells nothing."""


def _likelihoods(
    calls: Collection[str], candidates: Iterable[str], counts: Mapping[str, Counter[str]], usual: Counter[str]
) -> dict[str, float]:
    """Log of how much more often than usual each candidate is counted with the forms of address."""
    if not calls:
        return {}
    weights = dict.fromkeys(candidates, 0.0)
    for call in sorted(calls):
        matched = counts.get(call)
        if not matched or matched.total() < FEW_CALLS:
            continue
        total = usual.total() or 1
        for name in weights:
            share = (usual[name] + 1) / (total + len(weights))
            weights[name] += log((matched[name] + PRIOR_CALLS * share) / (matched.total() + PRIOR_CALLS) / share)
    return weights


@dataclass(frozen=True, slots=True)
class _Heard:
    """A paragraph with quoted lines: who is named in its tags, and what is said."""

    name: str
    speech: str


class NarrationHabits:
    """Forms of address and ways of speaking of everybody who is named in the tags of a book.

    Args:
        words: the words of what is said, by which people's ways of speaking differ.
        addresses: the forms of address in it.
    """

    def __init__(self, words: Callable[[str], Sequence[str]], addresses: Callable[[str], Iterable[str]]) -> None:
        self._words_of = words
        self._addresses = addresses
        self._heard: list[_Heard | None] = []
        self._answered: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._says: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._speakers: Counter[str] = Counter()
        self._partners: Counter[str] = Counter()
        self._words: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._book: Counter[str] = Counter()
        self._book_words = 0
        self._logs: dict[str, tuple[float, dict[str, float]]] = {}

    def hear(self, name: str, speech: str) -> None:
        """Note a paragraph: who is named as its one speaker ("" where nobody is), and what is said ("": nothing)."""
        self._heard.append(_Heard(name, speech) if speech else None)

    def finish(self, label: Callable[[str], str]) -> None:
        """The book has been gone through. `label` gives one label for all names of a person."""
        labels = [heard and (label(heard.name) if heard.name else "") for heard in self._heard]
        for place, heard in enumerate(self._heard):
            if not heard:
                continue
            speaker = labels[place]
            words = self._words_of(heard.speech)
            self._book.update(words)
            calls = list(self._addresses(heard.speech))
            if speaker:
                self._words[speaker].update(words)
                self._speakers[speaker] += 1
                for call in calls:
                    self._says[call][speaker] += 1
            neighbours = {labels[at] for at in (place - 1, place + 1) if 0 <= at < len(labels)} - {None, "", speaker}
            if len(neighbours) == 1:
                (other,) = neighbours
                assert other
                self._partners[other] += 1
                for call in calls:
                    self._answered[call][other] += 1
        self._book_words = self._book.total()
        self._heard = []

    def answering(self, calls: Collection[str], candidates: Iterable[str]) -> dict[str, float]:
        """Log weight of each candidate as the one whom the forms of address mean."""
        return _likelihoods(calls, candidates, self._answered, self._partners)

    def calling(self, calls: Collection[str], candidates: Iterable[str]) -> dict[str, float]:
        """Log weight of each candidate as the one who uses the forms of address."""
        return _likelihoods(calls, candidates, self._says, self._speakers)

    def styles(self, speeches: Iterable[str], candidates: Sequence[str]) -> list[list[float]]:
        """Log weight of each candidate by the words of what is said, for each speech a row.

        It is the log of how much more often than the book's the words are the candidate's, and 0 of who has no tag.
        """
        logs = [self._logs_of(name) if name in self._words else None for name in candidates]
        rows = []
        for speech in speeches:
            words = [word for word in self._words_of(speech) if word in self._book]
            count, nothing = len(words), repeat(0.0)
            rows.append([count * each[0] + sum(map(each[1].get, words, nothing)) if each else 0.0 for each in logs])
        return rows

    def _logs_of(self, name: str) -> tuple[float, dict[str, float]]:
        """The log of any word that somebody does not say, and what each that is said has more."""
        if name not in self._logs:
            counts, usual = self._words[name], PRIOR_WORDS / self._book_words
            unsaid = log(PRIOR_WORDS / (counts.total() + PRIOR_WORDS))
            more = {word: log1p(count / (usual * self._book[word])) for word, count in counts.items()}
            self._logs[name] = unsaid, more
        return self._logs[name]
