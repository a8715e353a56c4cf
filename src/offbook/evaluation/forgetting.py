"""Forgetting: how far the tuned model has drifted from the base on everyday requests, asked without any character."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from offbook.core.types import Score
from offbook.evaluation import confidence
from offbook.evaluation.metric_result import MetricResult
from offbook.evaluation.responses import ModelOutputs, key


def measure(evidence: ModelOutputs) -> MetricResult:
    """KL(base ‖ tuned) per token, in nats, on good answers to the general prompts; the loss shift on them; and the
    share of positions at which both would say the same token."""
    scores = evidence.general_scores
    tokens = [score.tokens for score in scores]
    shift = confidence.difference([s.tuned for s in scores], [s.base for s in scores], tokens)
    languages = list(dict.fromkeys(item.language for item in evidence.general))
    summary = {
        "prompts": len(scores),
        "tokens": sum(tokens),
        **confidence.entry("kl", confidence.mean([score.kl for score in scores], tokens)),
        "loss_shift": confidence.entry("value", shift),
        "same_token_share": round(sum(score.agreed for score in scores) / sum(tokens), 6),
        "by_language": {
            language: _short([s for item, s in zip(evidence.general, scores, strict=True) if item.language == language])
            for language in languages
        },
    }
    general = [
        {
            "key": key(item.conversation.turns),
            "language": item.language,
            "prompt": item.prompt,
            "tokens": score.tokens,
            "base": {"nll": round(score.base, 6)},
            "tuned": {"nll": round(score.tuned, 6), "kl": round(score.kl, 6)},
        }
        for item, score in zip(evidence.general, scores, strict=True)
    ]
    return MetricResult(summary, {"general": general})


def _short(scores: Sequence[Score]) -> dict[str, Any]:
    tokens = sum(score.tokens for score in scores)
    return {
        "kl": round(sum(score.kl for score in scores) / tokens, 6),
        "loss_shift": round(sum(score.tuned - score.base for score in scores) / tokens, 6),
    }
