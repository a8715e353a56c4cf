"""Language: are replies made of words, and are lines expected better than letter statistics expect them?

A model that has not learned to speak, or has unlearned it, fails both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

from offbook.evaluation import confidence
from offbook.evaluation.confidence import Estimate, Interval
from offbook.evaluation.metric import Metric, ReportedMetric, Weighted, Words
from offbook.evaluation.responses import ModelOutputs
from offbook.evaluation.sides import MODELS, Paired, Side
from offbook.evaluation.words import words

ALPHABET = 100
"""Characters that the letter model holds possible beside those it has seen."""
END = "\n"


@dataclass(frozen=True, slots=True)
class KnownWords:
    """How many words of some texts are known.

    They are known from the training rows, from what is said to the character, or from the everyday requests and their
    answers.
    """

    share: float
    interval: Interval
    words: int
    """Words of the texts."""


@dataclass(frozen=True, slots=True)
class WordCount:
    """The words of one reply."""

    in_vocabulary: int
    words: int


@dataclass(frozen=True, slots=True)
class PairedCount(Paired[WordCount]):
    """The words of both replies to a prompt."""

    base: WordCount
    tuned: WordCount


@dataclass(frozen=True, slots=True)
class AboveLetters(Paired[Estimate]):
    """Each model's held-out loss less that of the letter model, in nats per token, paired by row."""

    base: Estimate
    tuned: Estimate


@dataclass(frozen=True, slots=True)
class Language(Paired[KnownWords]):
    """The section `language` of eval.json."""

    base: KnownWords
    tuned: KnownWords
    reference: KnownWords
    """The same of the character's own held-out lines."""
    letter_loss: float
    """Loss on the held-out rows, in nats per token, of a model that only counts which letter follows which."""
    above_letters: AboveLetters
    items: tuple[PairedCount, ...]
    """One for each of the scorecard's replies."""


class LetterModel:
    """Which character follows which, counted (Witten and Bell 1991: bigrams that back off to single characters)."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.pairs: Counter[str] = Counter()
        self.before: Counter[str] = Counter()
        self.singles: Counter[str] = Counter()
        for text in texts:
            for first, second in zip(END + text, text + END, strict=True):
                self.pairs[first + second] += 1
                self.before[first] += 1
                self.singles[second] += 1
        self.followers = Counter(pair[0] for pair in self.pairs)
        self.total = sum(self.singles.values())

    def loss(self, text: str) -> float:
        """Negative log-likelihood of a text with its end, in nats."""
        return -sum(log(self._pair(*pair)) for pair in zip(END + text, text + END, strict=True))

    def _pair(self, first: str, second: str) -> float:
        seen, kinds = self.before[first], self.followers[first]
        if not seen:
            return self._single(second)
        return (self.pairs[first + second] + kinds * self._single(second)) / (seen + kinds)

    def _single(self, letter: str) -> float:
        kinds = len(self.singles)
        return (self.singles[letter] + kinds / (kinds + ALPHABET)) / (self.total + kinds)


def measure(outputs: ModelOutputs) -> Language:
    """Known words of both models' replies, and how their held-out loss compares with that of letter statistics."""
    texts = [turn.text for row in outputs.train for turn in row.turns]
    texts += [turn.text for row in outputs.heldout for turn in row.turns if turn.role == "user"]
    texts += [text for item in outputs.general for text in (item.prompt, item.answer)]
    vocabulary = {word for text in texts for word in words(text)}
    items = tuple(
        PairedCount(_count(pair.base.text, vocabulary), _count(pair.tuned.text, vocabulary)) for pair in outputs.replies
    )
    letters = LetterModel(line for row in outputs.train for line in row.replies)
    losses = [sum(letters.loss(line) for line in row.replies) for row in outputs.heldout]
    tokens = [score.tokens for score in outputs.scores]
    return Language(
        base=_known([item.base for item in items]),
        tuned=_known([item.tuned for item in items]),
        reference=_known([_count(line, vocabulary) for row in outputs.heldout for line in row.replies]),
        letter_loss=round(sum(losses) / sum(tokens), 6),
        above_letters=AboveLetters(
            base=confidence.difference([score.base for score in outputs.scores], losses, tokens),
            tuned=confidence.difference([score.tuned for score in outputs.scores], losses, tokens),
        ),
        items=items,
    )


def _count(text: str, vocabulary: set[str]) -> WordCount:
    spoken = words(text)
    return WordCount(sum(word in vocabulary for word in spoken), len(spoken))


def _known(counts: Sequence[WordCount]) -> KnownWords:
    share = confidence.mean([count.in_vocabulary for count in counts], [count.words for count in counts])
    return KnownWords(share.value, share.interval, sum(count.words for count in counts))


def _value(section: Language, side: Side) -> float | None:
    return (section.of(side) if side in MODELS else section.reference).share


def _items(section: Language, side: Side) -> Sequence[Weighted | None]:
    return [(item.of(side).in_vocabulary, item.of(side).words) for item in section.items]


METRIC = Metric(
    "language",
    Language,
    measure,
    [
        ReportedMetric(
            "language.tuned.share",
            Language,
            _value,
            _items,
            table="replies",
            better="higher",
            unit="percent",
            words=Words(
                "Known words",
                "Words of the replies that the training rows or everyday requests use, too. Far below the "
                "character's own unseen lines, the replies are gibberish.",
            ),
        )
    ],
)
