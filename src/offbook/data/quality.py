"""Whether rows are good enough to learn from, and the removal of repetition that makes them better.

    report = inspect(loaded.conversations)
    report.level, report.reasons, report.findings

What is wrong with rows is measured by `checks`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from offbook.core.progress import CountProgress, counted, uncounted
from offbook.core.sequences import Bin, histogram
from offbook.core.text import normalize
from offbook.core.types import Conversation, Turn
from offbook.data.checks import CHECKS, Sample
from offbook.data.messages import FEW_DISTINCT
from offbook.data.row_text import body, prompt_text
from offbook.data.similarity import SimilarityIndex, TrigramSets

FEW_ROWS, TOO_FEW_ROWS = 200, 20
"""Distinct rows from which on the data is good, and from which on it can be used at all."""

Level = Literal["good", "usable", "not yet"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of fault in the data."""

    name: str
    title: str
    count: int
    share: float
    """Share of all rows that have it."""
    examples: tuple[Sample, ...]
    effect: str
    """What it does to training."""
    fix: str
    """The option or the work that helps."""
    level: Level
    """The best verdict that it allows."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that is found, and the verdict."""

    rows: int
    distinct_rows: int
    """Rows that differ from each other."""
    findings: tuple[Finding, ...]
    """Faults that are there, the gravest first."""
    sources: dict[str, int]
    """File → rows."""
    reply_lengths: tuple[Bin, ...]
    """Histogram of the replies' lengths in characters."""
    level: Level
    reasons: tuple[str, ...]

    def count(self, name: str) -> int:
        """How often a fault is there."""
        return next((finding.count for finding in self.findings if finding.name == name), 0)

    @property
    def verdict(self) -> str:
        """The verdict in one line."""
        return f"{self.level}: {'; '.join(self.reasons)}" if self.reasons else self.level


def inspect(conversations: Sequence[Conversation], progress: CountProgress = uncounted) -> Report:
    """Everything that can be said about the rows without a model. At least one conversation must be there."""
    findings = [finding for name in counted(list(CHECKS), progress, every=1) if (finding := _find(name, conversations))]
    findings.sort(key=lambda finding: (-LEVELS.index(finding.level), -finding.share))
    distinct = len({conversation.turns for conversation in conversations})
    size: Level = "not yet" if distinct < TOO_FEW_ROWS else "usable" if distinct < FEW_ROWS else "good"
    reasons = [f"{finding.count} {finding.title}" for finding in findings if finding.level != "good"]
    if size != "good":
        reasons.insert(0, FEW_DISTINCT.format(rows=distinct))
    return Report(
        rows=len(conversations),
        distinct_rows=distinct,
        findings=tuple(findings),
        sources=dict(Counter(conversation.origin.file for conversation in conversations)),
        reply_lengths=tuple(histogram([len(reply) for each in conversations for reply in each.replies])),
        level=max([size, *(finding.level for finding in findings)], key=LEVELS.index),
        reasons=tuple(reasons),
    )


def report(conversations: Sequence[Conversation], progress: CountProgress = uncounted) -> dict[str, Any]:
    """`inspect` as plain data, for JSON and for tables; the counts that everybody asks for stand at the top."""
    summary = inspect(conversations, progress)
    return {
        "distinct_rows": summary.distinct_rows,
        "duplicates": summary.count("duplicates"),
        "conflicts": summary.count("conflicts"),
        "verdict": summary.verdict,
        "level": summary.level,
        "reasons": list(summary.reasons),
        "findings": [_plain(finding) for finding in summary.findings],
        "sources": summary.sources,
        "reply_lengths": [asdict(each) for each in summary.reply_lengths],
    }


def deduplicate(
    conversations: Sequence[Conversation], dedupe: str = "off", max_per_prompt: int | None = None
) -> list[Conversation]:
    """What is left, in its order, once repetition is taken out; of several rows the first is kept.

    Args:
        dedupe: `exact` drops rows that equal an earlier one, `near` also those that nearly do, `off` none.
        max_per_prompt: so many answers to one prompt are kept.
    """
    kept = list(conversations)
    if dedupe != "off":
        kept = _without_copies(kept)
    if dedupe == "near":
        kept = _without_near(kept)
    if max_per_prompt is not None:
        kept = _without_surplus(kept, max_per_prompt)
    return kept


LEVELS: tuple[Level, ...] = ("good", "usable", "not yet")


def _find(name: str, conversations: Sequence[Conversation]) -> Finding | None:
    check = CHECKS[name]
    sample = check.find(conversations)
    if not sample.count:
        return None
    share = sample.rows / len(conversations)
    level: Level = "not yet" if share > check.severe else "usable" if share > check.noticed else "good"
    return Finding(name, check.title, sample.count, share, sample.examples, check.effect, check.fix, level)


def _without_copies(conversations: Sequence[Conversation]) -> list[Conversation]:
    kept: dict[tuple[Turn, ...], Conversation] = {}
    for conversation in conversations:
        kept.setdefault(conversation.turns, conversation)
    return list(kept.values())


def _without_near(conversations: Sequence[Conversation]) -> list[Conversation]:
    index = SimilarityIndex(TrigramSets([body(conversation) for conversation in conversations]))
    kept = []
    for number, conversation in enumerate(conversations):
        if index.find(number) is None:
            index.add(number)
            kept.append(conversation)
    return kept


def _without_surplus(conversations: Sequence[Conversation], most: int) -> list[Conversation]:
    answers: Counter[str] = Counter()
    kept = []
    for conversation in conversations:
        prompt = normalize(prompt_text(conversation))
        answers[prompt] += 1
        if not prompt or answers[prompt] <= most:
            kept.append(conversation)
    return kept


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.name,
        "title": finding.title,
        "count": finding.count,
        "share": finding.share,
        "examples": [{"origin": str(each.origin), "text": each.text} for each in finding.examples],
        "effect": finding.effect,
        "fix": finding.fix,
        "level": finding.level,
    }
