"""MODEL_CARD.md: what the copy is made of, how it was judged, and how to run it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from offbook.exporters.parity import Bound, Parity
from offbook.exporters.source import ExportSource


@dataclass(frozen=True, slots=True)
class History:
    """What a run's records say; empty where an adapter was trained elsewhere."""

    config: dict[str, Any] = field(default_factory=dict)
    """run.yaml"""
    data: dict[str, Any] = field(default_factory=dict)
    """data/report.json"""
    verdict: dict[str, Any] = field(default_factory=dict)
    """eval.json"""


def model_card(
    original: ExportSource, to: str, quant: str, files: list[str], found: Parity, bound: Bound, past: History
) -> str:
    """The card's text.

    Args:
        to, quant: format and number format of the copy.
        files: names of the copy's files.
        found, bound: what the comparison with the original gave, and what was asked.
    """
    environment = Environment(
        loader=PackageLoader("offbook.exporters", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("model_card.jinja").render(
        persona=original.persona,
        name=original.name,
        to=to,
        quant=quant,
        gguf=next((name for name in files if name.endswith(".gguf") and not name.endswith("-lora.gguf")), None),
        lora=next((name for name in files if name.endswith("-lora.gguf")), None),
        parity=found,
        bound=bound,
        past=past,
        licence=_licence(original.base),
    )


def _licence(base: Path) -> str | None:
    """The first line of the base model's licence file that says something."""
    for path in sorted(base.glob("LICEN[SC]E*")):
        lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
        return next((line for line in lines if line), None)
    return None
