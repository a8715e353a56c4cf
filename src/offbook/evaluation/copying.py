"""Copying: how much of what a model says it lifted from the lines it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from offbook.evaluation import confidence
from offbook.evaluation.confidence import Interval
from offbook.evaluation.metric import Metric, ReportedMetric, Weighted, Words
from offbook.evaluation.responses import ModelOutputs
from offbook.evaluation.sides import MODELS, Paired, Side
from offbook.evaluation.words import spans, words

SEED = 4
"""Shorter common runs are chance: they are not looked for."""
RUN = 8
"""A run of so many words (characters, in Chinese) that also stands in one training line counts as lifted."""
NEAR = 0.8
"""A reply of which this share is lifted is a near-verbatim copy."""


@dataclass(frozen=True, slots=True)
class CopiedText:
    """What of a text is lifted from training lines."""

    verbatim: bool
    """The whole text is a training line, punctuation and case aside."""
    near_verbatim: bool
    """That, or NEAR of its words are lifted."""
    lifted: int
    """Words inside lifted runs; all of them where the whole text is a training line, however short."""
    words: int
    marks: tuple[tuple[int, int], ...]
    """(start, end) of each lifted stretch of the text, in characters."""
    longest: int
    """Words of the longest run shared with one training line (0 below SEED)."""
    line: int | None
    """Index of the training line that this run is from."""

    @property
    def lifted_share(self) -> float:
        """Share of its words that are lifted."""
        return self.lifted / self.words if self.words else 0.0


@dataclass(frozen=True, slots=True)
class PairedCopy(Paired[CopiedText]):
    """What of both replies to a prompt is lifted."""

    base: CopiedText
    tuned: CopiedText


@dataclass(frozen=True, slots=True)
class CopiedShares:
    """How much of several texts is lifted."""

    verbatim_share: float
    near_verbatim_share: float
    interval: Interval
    """Of `near_verbatim_share`."""
    lifted_share: float
    """Of all words."""
    longest_run: int
    longest_run_line: str | None
    """The training line that the longest run is from."""


@dataclass(frozen=True, slots=True)
class Copying(Paired[CopiedShares]):
    """The section `copying` of eval.json."""

    base: CopiedShares
    tuned: CopiedShares
    reference: CopiedShares
    """The same of the character's own held-out lines, which cannot have copied: a stock phrase is no theft."""
    excess: float
    """`near_verbatim_share` of the tuned model's replies less that of the reference."""
    excess_interval: Interval
    items: tuple[PairedCopy, ...]
    """One for each of the scorecard's replies."""


class TrainingLines:
    """Training lines, indexed by their four-word runs."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.words = [words(line) for line in lines]
        self.line_numbers = {tuple(line): number for number, line in reversed(list(enumerate(self.words))) if line}
        self.places: dict[tuple[str, ...], list[tuple[int, int]]] = {}
        for number in dict.fromkeys(self.line_numbers.values()):
            line = self.words[number]
            for start in range(len(line) - SEED + 1):
                self.places.setdefault(tuple(line[start : start + SEED]), []).append((number, start))

    def find(self, text: str) -> CopiedText:
        """What of `text` stands in the lines."""
        word_spans = spans(text)
        spoken = [word for word, _, _ in word_spans]
        runs, lengths = [], dict[tuple[int, int], int]()
        for start in range(len(spoken)):
            lengths = self._lengths(spoken, start, lengths)
            (line, _), length = max(lengths.items(), key=lambda run: run[1], default=((None, 0), 0))
            runs.append((length, line))
        lifted = {
            place for start, (length, _) in enumerate(runs) if length >= RUN for place in range(start, start + length)
        }
        longest, line = max(runs, key=lambda run: run[0], default=(0, None))
        exact = self.line_numbers.get(tuple(spoken))
        if exact is not None:
            longest, line, lifted = len(spoken), exact, set(range(len(spoken)))
        return CopiedText(
            verbatim=exact is not None,
            near_verbatim=exact is not None or (bool(spoken) and len(lifted) / len(spoken) >= NEAR),
            lifted=len(lifted),
            words=len(spoken),
            marks=_stretches(sorted(lifted), [(start, end) for _, start, end in word_spans]),
            longest=longest,
            line=line,
        )

    def _lengths(self, spoken: list[str], start: int, before: dict[tuple[int, int], int]) -> dict[tuple[int, int], int]:
        """Words from `start` on that each place of the lines shares, where they are SEED or more.

        Args:
            spoken: the words of a text.
            start: where in them the runs begin.
            before: the same of the word before: what began a word earlier, here and there, is a word shorter now.
                So words are compared once for each run, not once for each of its words.
        """
        lengths = {}
        for number, place in self.places.get(tuple(spoken[start : start + SEED]), ()):
            length = before.get((number, place - 1), 0) - 1
            lengths[number, place] = length if length > 0 else _common(spoken[start:], self.words[number][place:])
        return lengths


def _common(one: list[str], other: list[str]) -> int:
    """With how many equal words two texts begin."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def measure(outputs: ModelOutputs) -> Copying:
    """Copying by both models, beside what the character's own held-out lines share with the training lines."""
    texts = [line for row in outputs.train for line in row.replies]
    lines = TrainingLines(texts)
    reference = [lines.find(row.replies[-1]) for row in outputs.heldout]
    items = tuple(PairedCopy(lines.find(pair.base.text), lines.find(pair.tuned.text)) for pair in outputs.replies)
    excess = confidence.share_difference(
        [item.tuned.near_verbatim for item in items], [text.near_verbatim for text in reference]
    )
    return Copying(
        base=_shares([item.base for item in items], texts),
        tuned=_shares([item.tuned for item in items], texts),
        reference=_shares(reference, texts),
        excess=excess.value,
        excess_interval=excess.interval,
        items=items,
    )


def _shares(copied: Sequence[CopiedText], lines: Sequence[str]) -> CopiedShares:
    longest = max(copied, key=lambda text: text.longest)
    near = confidence.share([text.near_verbatim for text in copied])
    return CopiedShares(
        verbatim_share=round(sum(text.verbatim for text in copied) / len(copied), 6),
        near_verbatim_share=near.value,
        interval=near.interval,
        lifted_share=round(sum(text.lifted for text in copied) / max(sum(text.words for text in copied), 1), 6),
        longest_run=longest.longest,
        longest_run_line=None if longest.line is None else lines[longest.line],
    )


def _stretches(lifted: list[int], places: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Neighbouring words joined to stretches of text."""
    stretches: list[tuple[int, int]] = []
    for before, word in zip([-2, *lifted], lifted, strict=False):
        start, end = places[word]
        if stretches and word == before + 1:
            stretches[-1] = (stretches[-1][0], end)
        else:
            stretches.append((start, end))
    return tuple(stretches)


def _of(section: Copying, side: Side) -> CopiedShares:
    return section.of(side) if side in MODELS else section.reference


def _near(section: Copying, side: Side) -> Sequence[Weighted | None]:
    return [(float(item.of(side).near_verbatim), 1.0) for item in section.items]


def _lifted(section: Copying, side: Side) -> Sequence[Weighted | None]:
    return [(item.of(side).lifted, item.of(side).words) for item in section.items]


METRIC = Metric(
    "copying",
    Copying,
    measure,
    [
        ReportedMetric(
            "copying.tuned.near_verbatim_share",
            Copying,
            lambda section, side: _of(section, side).near_verbatim_share,
            _near,
            table="replies",
            better="lower",
            unit="percent",
            yes_or_no=True,
            words=Words(
                "Replies that copy a line",
                "Replies that are a training line, or nearly. The character's own unseen lines show what is normal.",
            ),
        ),
        ReportedMetric(
            "copying.tuned.lifted_share",
            Copying,
            lambda section, side: _of(section, side).lifted_share,
            _lifted,
            table="replies",
            better="lower",
            unit="percent",
            words=Words(
                "Words lifted from lines", "Words that stand in a run of eight or more that a training line shares."
            ),
        ),
    ],
)
