"""What a metric gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class MetricResult:
    """A section of the scorecard, and what it adds to the items behind it.

    `items` maps a list of eval.json (`rows`, `replies`, `general`) to one dict per item, in the order of the evidence;
    the dicts that several metrics give for one item are merged.
    """

    summary: dict[str, Any]
    items: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
