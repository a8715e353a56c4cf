"""Does a reply end, and does it say anything? Ending by the ending token, loops, empty replies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from offbook.core.types import Reply
from offbook.evaluation import confidence
from offbook.evaluation.metric_result import MetricResult
from offbook.evaluation.responses import ModelOutputs
from offbook.evaluation.words import words

RUN = 4
LOOP = 1 / 3
"""A reply loops when more than this share of its four-word runs stood in it before."""


def measure(evidence: ModelOutputs) -> MetricResult:
    """Shares of the replies that ended within the limit, that loop, and that are empty; and of the character's own
    held-out lines, the share that the limit has room for."""
    sides = {who: [getattr(pair, who) for pair in evidence.exchanges] for who in ("base", "tuned")}
    marks = {who: [_mark(reply) for reply in replies] for who, replies in sides.items()}
    summary = {who: _summary(marks[who]) for who in sides}
    cut = [reply.tokens for replies in sides.values() for reply in replies if not reply.stopped]
    limit = max(cut, default=None)
    lengths = [score.tokens / len(row.replies) for row, score in zip(evidence.heldout, evidence.scores, strict=True)]
    fits = [limit is None or length <= limit for length in lengths]
    summary["own"] = {**confidence.entry("share", confidence.share(fits)), "limit": limit}
    replies = [{"base": base, "tuned": tuned} for base, tuned in zip(marks["base"], marks["tuned"], strict=True)]
    return MetricResult(summary, {"replies": replies})


def repetition(text: str) -> float:
    """Share of four-word runs that stood in the text before (seq-rep-4 of Welleck et al. 2019)."""
    said = words(text)
    runs = [tuple(said[start : start + RUN]) for start in range(len(said) - RUN + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def _mark(reply: Reply) -> dict[str, Any]:
    return {
        "stopped": reply.stopped,
        "tokens": reply.tokens,
        "loop": repetition(reply.text) > LOOP,
        "empty": not reply.text.strip(),
    }


def _summary(marks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    loops, around = confidence.share([mark["loop"] for mark in marks])
    return {
        **confidence.entry("share", confidence.share([mark["stopped"] for mark in marks])),
        "loops": round(loops, 6),
        "loops_interval": around,
        "empty": round(sum(mark["empty"] for mark in marks) / len(marks), 6),
        "tokens": round(sum(mark["tokens"] for mark in marks) / len(marks), 6),
    }
