"""The model card: what a character is made of, how it was judged, and how to run it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from huggingface_hub import EvalResult, ModelCard, ModelCardData
from jinja2 import Environment, PackageLoader, StrictUndefined, UndefinedError

from offbook.core.i18n import language, languages, translated
from offbook.core.persona import Persona
from offbook.core.shell import quoted
from offbook.core.text import has_chinese
from offbook.exporters.parity import BOUNDS, Parity


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


class Subject(Protocol):
    """The character that a card is about."""

    @property
    def persona(self) -> Persona:
        """What it needs in order to speak."""

    @property
    def name(self) -> str:
        """Its name, safe in file names."""

    @property
    def base(self) -> Path:
        """The base model's folder."""


def model_card(source: Subject, to: str, quant: str, files: list[str], parity: Parity | None, history: History) -> str:
    """The card's text: the front matter that hubs read, and the sections for people.

    Args:
        source: the character.
        to: format of the export, or `adapter`.
        quant: its number format, "" for the adapter.
        files: names of its files.
        parity: the result of its comparison with the adapter; None for the adapter itself.
        history: what the run's records say.
    """
    environment = Environment(
        loader=PackageLoader("offbook.exporters", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["quoted"] = quoted
    environment.filters["line"] = _line
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    license_line = _license_line(source.base)
    lang = _language(history)
    template = environment.get_template("model_card.jinja")
    render = partial(
        template.render,
        t=lambda text: translated(text, lang),
        persona=source.persona,
        name=source.name,
        to=to,
        quant=quant,
        gguf=next((name for name in files if name.endswith(".gguf") and not name.endswith("-lora.gguf")), None),
        lora=next((name for name in files if name.endswith("-lora.gguf")), None),
        parity=parity,
        bound=BOUNDS.get(quant),
        license=license_line,
        base_model=_repository(source.persona) or source.persona.base.source,
    )
    try:
        body = render(history=history)
    except (UndefinedError, AttributeError, TypeError, ValueError):  # records that are damaged, or of another version
        history = History()
        body = render(history=history)
    front_matter = _front_matter(source, to, license_line, history)
    return str(ModelCard(f"---\n{front_matter.to_yaml()}\n---\n\n{body}"))


def _line(text: object) -> str:
    """A text from somewhere else as a line of Markdown: no row of a table, markup or control character in it."""
    shown = "".join(letter if letter.isprintable() else " " for letter in str(text))
    return " ".join(shown.split()).replace("|", "\\|").replace("<", "&lt;")


def _language(history: History) -> str:
    """The language of the verdict, which stands in the card."""
    evaluate = history.config.get("evaluate")
    named = evaluate.get("lang") if isinstance(evaluate, dict) else None
    return named if named in languages() else language()


def _front_matter(source: Subject, to: str, license_line: str | None, history: History) -> ModelCardData:
    """What Hugging Face's and ModelScope's hubs show and search by."""
    persona = source.persona
    license_id = next((name for line, name in LICENSES.items() if license_line and license_line.startswith(line)), None)
    texts = f"{persona.name}{persona.system or ''}{persona.greeting or ''}"
    return ModelCardData(
        language=["zh"] if has_chinese(texts) else ["en"],
        license=license_id or ("other" if license_line else None),
        license_name=license_line if license_line and not license_id else None,
        base_model=_repository(persona),
        library_name={"merged": "transformers", "adapter": "peft"}.get(to, "gguf"),
        pipeline_tag="text-generation",
        tags=["offbook", "character", "roleplay", "lora"],
        model_name=source.name,
        eval_results=_eval_results(history.verdict) or None,
    )


def _repository(persona: Persona) -> str | None:
    """ORG/NAME of the base model on a hub; None where it is on none."""
    kind, _, repository = persona.base.source.partition(":")
    return repository if kind in ("hf", "ms") else None


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
