"""Held-out loss: how well each model expects lines that training never showed it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp
from pathlib import PurePath
from typing import Any

from offbook.core.types import Conversation, Score
from offbook.evaluation import confidence
from offbook.evaluation.metric_result import MetricResult
from offbook.evaluation.responses import ModelOutputs, key

LENGTHS = ((15, "1–15"), (40, "16–40"), (100, "41–100"), (None, "101–"))
"""Classes of reply length in tokens: (last of the class, name)."""


def measure(evidence: ModelOutputs) -> MetricResult:
    """Loss per label token of base and tuned model, and of their difference, with intervals over conversations."""
    scores = evidence.scores
    tokens = [score.tokens for score in scores]
    summary = {
        "rows": len(scores),
        "tokens": sum(tokens),
        "base": _loss([score.base for score in scores], tokens),
        "tuned": _loss([score.tuned for score in scores], tokens),
        "difference": confidence.entry(
            "loss", confidence.difference([s.tuned for s in scores], [s.base for s in scores], tokens)
        ),
        "by_length": _split(evidence, lambda _, score: _length(score.tokens), [name for _, name in LENGTHS]),
        "by_source": _split(evidence, lambda row, _: PurePath(row.origin.file).name),
    }
    rows = [
        {
            "key": key(row.turns),
            "origin": f"{PurePath(row.origin.file).name}:{row.origin.line}",
            "tokens": score.tokens,
            "base": {"nll": round(score.base, 6)},
            "tuned": {"nll": round(score.tuned, 6)},
        }
        for row, score in zip(evidence.heldout, scores, strict=True)
    ]
    return MetricResult(summary, {"rows": rows})


def _loss(losses: Sequence[float], tokens: Sequence[int]) -> dict[str, Any]:
    found = confidence.entry("loss", confidence.mean(losses, tokens))
    return {**found, "perplexity": round(exp(min(found["loss"], 50)), 6)}


def _length(tokens: int) -> str:
    return next(name for last, name in LENGTHS if last is None or tokens <= last)


def _split(
    evidence: ModelOutputs, group: Callable[[Conversation, Score], str], order: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Rows, tokens and both losses of each group, in the given order or in that of the names."""
    groups: dict[str, list[Score]] = {name: [] for name in order}
    for row, score in zip(evidence.heldout, evidence.scores, strict=True):
        groups.setdefault(group(row, score), []).append(score)
    found = []
    for name, scores in groups.items() if order else sorted(groups.items()):
        tokens = sum(score.tokens for score in scores)
        if tokens:
            base, tuned = (sum(getattr(s, who) for s in scores) / tokens for who in ("base", "tuned"))
            counts = {"name": name, "rows": len(scores), "tokens": tokens}
            found.append({**counts, "base": round(base, 6), "tuned": round(tuned, 6)})
    return found
