"""The card's front matter: what hubs show and search by."""

from __future__ import annotations

import json
from pathlib import Path

from huggingface_hub import ModelCard

from offbook import export
from offbook.core.persona import Persona
from offbook.exporters.model_card import History, _front_matter
from offbook.exporters.source import ExportSource


def test_hubs_can_read_the_front_matter_of_a_run(trained: Path, tmp_path: Path) -> None:
    folder = export(trained, "merged", out=tmp_path / "copy").path
    data = ModelCard.load(folder / "MODEL_CARD.md").data
    assert (data.language, data.library_name, data.pipeline_tag) == (["en"], "transformers", "text-generation")
    assert "offbook" in data.tags
    assert data.base_model is None, "a folder of this computer is no repository"


def test_the_verdict_and_the_base_model_are_in_it(hamlet: Path) -> None:
    stored = json.loads((hamlet / "persona.json").read_text())
    persona = Persona(**{**stored, "base": {"source": "hf:org/model", "revision": "main"}})
    source = ExportSource(None, None, persona, hamlet, [1], "ann")
    verdict = {"heldout": {"tuned": {"loss": 2.34567}}, "stops": {"tuned": {"share": 0.9}}, "fidelity": None}
    data = _front_matter(source, "gguf", "Apache License", History(verdict=verdict))
    assert (data.base_model, data.license, data.library_name) == ("org/model", "apache-2.0", "gguf")
    assert data.language == ["zh"], "the prompt holds Chinese"
    figures = {result.metric_type: result.metric_value for result in data.eval_results or []}
    assert figures == {"loss": 2.3457, "stop_rate": 0.9}
    other = _front_matter(source, "merged", "Tiny License, version 1", History())
    assert (other.license, other.license_name) == ("other", "Tiny License, version 1")
