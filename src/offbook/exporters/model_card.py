"""MODEL_CARD.md: what an export is made of, how it was judged, and how to run it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData
from jinja2 import Environment, PackageLoader, StrictUndefined

from offbook.core.text import has_chinese
from offbook.exporters.parity import Bound, Parity
from offbook.exporters.source import ExportSource


@dataclass(frozen=True, slots=True)
class History:
    """A run's records; empty where an adapter was trained with another program."""

    config: dict[str, Any] = field(default_factory=dict)
    """run.yaml"""
    data: dict[str, Any] = field(default_factory=dict)
    """data/report.json"""
    verdict: dict[str, Any] = field(default_factory=dict)
    """eval.json"""


LICENSES = {"Apache License": "apache-2.0", "MIT License": "mit", "GNU GENERAL PUBLIC LICENSE": "gpl"}
"""First line of a licence's text → the hub's name for it."""


def model_card(
    source: ExportSource, to: str, quant: str, files: list[str], parity: Parity, bound: Bound, history: History
) -> str:
    """The card's text: the front matter that hubs read, and the sections for people.

    Args:
        source: the character.
        to: format of the export.
        quant: its number format.
        files: names of its files.
        parity: the result of its comparison with the adapter.
        bound: how far it might differ.
        history: what the run's records say.
    """
    environment = Environment(
        loader=PackageLoader("offbook.exporters", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    license_line = _license_line(source.base)
    body = environment.get_template("model_card.jinja").render(
        persona=source.persona,
        name=source.name,
        to=to,
        quant=quant,
        gguf=next((name for name in files if name.endswith(".gguf") and not name.endswith("-lora.gguf")), None),
        lora=next((name for name in files if name.endswith("-lora.gguf")), None),
        parity=parity,
        bound=bound,
        history=history,
        license=license_line,
    )
    front_matter = _front_matter(source, to, license_line, history)
    return str(ModelCard(f"---\n{front_matter.to_yaml()}\n---\n\n{body}"))


def _front_matter(source: ExportSource, to: str, license_line: str | None, history: History) -> ModelCardData:
    """What Hugging Face's and ModelScope's hubs show and search by."""
    persona = source.persona
    license_id = next((name for line, name in LICENSES.items() if license_line and license_line.startswith(line)), None)
    kind, _, repository = persona.base.source.partition(":")
    texts = f"{persona.name}{persona.system or ''}{persona.greeting or ''}"
    return ModelCardData(
        language=["zh"] if has_chinese(texts) else ["en"],
        license=license_id or ("other" if license_line else None),
        license_name=license_line if license_line and not license_id else None,
        base_model=repository if kind in ("hf", "ms") else None,
        library_name="transformers" if to == "merged" else "gguf",
        pipeline_tag="text-generation",
        tags=["offbook", "character", "roleplay", "lora"],
        model_name=source.name,
        eval_results=_eval_results(history.verdict) or None,
    )


def _eval_results(verdict: dict[str, Any]) -> list[EvalResult]:
    """The verdict's figures for the tuned character."""
    figures = {
        "loss": ("Held-out loss, nats a token", ("heldout", "tuned", "loss")),
        "fidelity": ("Fidelity, from 0 to 1", ("fidelity", "tuned", "score")),
        "stop_rate": ("Replies that end by themselves", ("stops", "tuned", "share")),
    }
    results = []
    for metric, (name, path) in figures.items():
        value: Any = verdict
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, int | float):
            results.append(
                EvalResult(
                    task_type="text-generation",
                    dataset_type="held-out",
                    dataset_name="held-out lines of the character",
                    metric_type=metric,
                    metric_name=name,
                    metric_value=round(float(value), 4),
                )
            )
    return results


def _license_line(base: Path) -> str | None:
    """The first line of the base model's licence file that is not blank."""
    for path in sorted(base.glob("LICEN[SC]E*")):
        lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
        return next((line for line in lines if line), None)
    return None
