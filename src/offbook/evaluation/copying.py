"""Copying: how much of what a model says it lifted from the lines it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from offbook.evaluation import confidence
from offbook.evaluation.metric_result import MetricResult
from offbook.evaluation.responses import ModelOutputs
from offbook.evaluation.words import spans, words

SEED = 4
"""Shorter common runs are chance: they are not looked for."""
RUN = 8
"""A run of so many words (characters, in Chinese) that also stands in one training line counts as lifted."""
NEAR = 0.8
"""A reply of which this share is lifted is a near-verbatim copy."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What of a text is lifted."""

    verbatim: bool
    """The whole text is a training line, punctuation and case aside."""
    lifted: int
    """Words inside lifted runs; all of them where the whole text is a training line, however short."""
    words: int
    longest: int
    """Words of the longest run shared with one training line (0 below SEED)."""
    source: int | None
    """Which training line that run is from."""
    marks: list[list[int]]
    """[start, end] of each lifted stretch of the text, in characters."""

    @property
    def near(self) -> bool:
        return self.verbatim or (self.words > 0 and self.lifted / self.words >= NEAR)


class Lines:
    """Training lines, indexed by their four-word runs."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.words = [words(line) for line in lines]
        self.whole = {tuple(line): number for number, line in reversed(list(enumerate(self.words))) if line}
        self.places: dict[tuple[str, ...], list[tuple[int, int]]] = {}
        for number in dict.fromkeys(self.whole.values()):
            line = self.words[number]
            for start in range(len(line) - SEED + 1):
                self.places.setdefault(tuple(line[start : start + SEED]), []).append((number, start))

    def find(self, text: str) -> Copied:
        """What of `text` stands in the lines."""
        found = spans(text)
        said = [word for word, _, _ in found]
        runs = [self._longest(said, start) for start in range(len(said))]
        lifted = {
            place for start, (length, _) in enumerate(runs) if length >= RUN for place in range(start, start + length)
        }
        longest, source = max(runs, key=lambda run: run[0], default=(0, None))
        whole = self.whole.get(tuple(said))
        if whole is not None:
            longest, source, lifted = len(said), whole, set(range(len(said)))
        marks = _stretches(sorted(lifted), [(start, end) for _, start, end in found])
        return Copied(whole is not None, len(lifted), len(said), longest, source, marks)

    def _longest(self, said: list[str], start: int) -> tuple[int, int | None]:
        """The longest run from `start` on that a line shares: (words, line)."""
        best: tuple[int, int | None] = (0, None)
        for number, place in self.places.get(tuple(said[start : start + SEED]), ()):
            line = self.words[number]
            length = SEED
            while (
                start + length < len(said)
                and place + length < len(line)
                and said[start + length] == line[place + length]
            ):
                length += 1
            best = max(best, (length, number), key=lambda run: run[0])
        return best


def measure(evidence: ModelOutputs) -> MetricResult:
    """Copying by both models, beside that of the character's own held-out lines, which never saw the training lines:
    what it shares with them (a stock phrase) is no theft."""
    train = [line for row in evidence.train for line in row.replies]
    lines = Lines(train)
    own = [lines.find(row.replies[-1]) for row in evidence.heldout]
    found = {who: [lines.find(getattr(pair, who).text) for pair in evidence.exchanges] for who in ("base", "tuned")}
    summary: dict[str, Any] = {
        "base": _summary(found["base"], train),
        "tuned": _summary(found["tuned"], train),
        "own": _summary(own, train),
    }
    beyond, around = confidence.share_difference(*([copied.near for copied in side] for side in (found["tuned"], own)))
    summary["excess"], summary["excess_interval"] = round(beyond, 6), around
    replies = [
        {"base": _mark(base), "tuned": _mark(tuned)} for base, tuned in zip(found["base"], found["tuned"], strict=True)
    ]
    return MetricResult(summary, {"replies": replies})


def _summary(found: Sequence[Copied], train: Sequence[str]) -> dict[str, Any]:
    longest = max(found, key=lambda copied: copied.longest)
    near, around = confidence.share([copied.near for copied in found])
    return {
        "verbatim_share": round(sum(copied.verbatim for copied in found) / len(found), 6),
        "near_verbatim_share": round(near, 6),
        "interval": around,
        "lifted_share": round(sum(c.lifted for c in found) / max(sum(c.words for c in found), 1), 6),
        "longest_run": longest.longest,
        "longest_run_line": None if longest.source is None else train[longest.source],
    }


def _mark(copied: Copied) -> dict[str, Any]:
    return {
        "verbatim": copied.verbatim,
        "near_verbatim": copied.near,
        "lifted": copied.lifted,
        "words": copied.words,
        "marks": copied.marks,
    }


def _stretches(lifted: list[int], places: list[tuple[int, int]]) -> list[list[int]]:
    """Neighbouring words joined to stretches of text."""
    stretches: list[list[int]] = []
    for before, word in zip([-2, *lifted], lifted, strict=False):
        start, end = places[word]
        if stretches and word == before + 1:
            stretches[-1][1] = end
        else:
            stretches.append([start, end])
    return stretches
