"""The scorecard: one JSON object, computed from the evidence alone, with the items behind every number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from offbook.evaluation.metrics import METRICS
from offbook.evaluation.responses import ModelOutputs, PairedReply


def scorecard(evidence: ModelOutputs) -> dict[str, Any]:
    """What eval.json holds: a section per metric, then `rows`, `replies`, `general` (the items behind the numbers),
    `sample_prompts` and `general_replies` (answers that are shown, not judged).

    The same evidence gives the same object, digit for digit.
    """
    tables: dict[str, list[dict[str, Any]]] = {
        "rows": [{} for _ in evidence.heldout],
        "replies": [shown(exchange) for exchange in evidence.exchanges],
        "general": [{} for _ in evidence.general],
    }
    card: dict[str, Any] = {}
    for name, metric in METRICS.items():
        measured = metric.measure(evidence)
        card[name] = measured.summary
        for table, additions in measured.items.items():
            for item, addition in zip(tables[table], additions, strict=True):
                _merge(item, addition)
    return {
        **card,
        **tables,
        "sample_prompts": [shown(exchange) for exchange in evidence.sample_prompts],
        "general_replies": [shown(exchange) for exchange in evidence.general_replies],
    }


def shown(exchange: PairedReply) -> dict[str, Any]:
    """A prompt and both answers as they stand in eval.json."""
    return {
        "key": exchange.key,
        "prompt": exchange.prompt,
        "reference": exchange.reference,
        "base": {"text": exchange.base.text, "stopped": exchange.base.stopped, "tokens": exchange.base.tokens},
        "tuned": {"text": exchange.tuned.text, "stopped": exchange.tuned.stopped, "tokens": exchange.tuned.tokens},
    }


def value(card: Mapping[str, Any], path: str) -> Any:
    """What stands at a dotted path of the scorecard (`heldout.difference.interval.1`: the upper end); None where there
    is nothing."""
    found: Any = card
    for part in path.split("."):
        if isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        elif isinstance(found, Mapping) and part in found:
            found = found[part]
        else:
            return None
    return found


def _merge(item: dict[str, Any], addition: Mapping[str, Any]) -> None:
    """Add to an item, one level deep."""
    for name, content in addition.items():
        if isinstance(content, dict) and name in item:
            item[name].update(content)
        else:
            item[name] = content
