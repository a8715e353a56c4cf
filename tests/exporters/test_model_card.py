"""The card's front matter: what hubs show and search by."""

from __future__ import annotations

import json
import re
from pathlib import Path

from huggingface_hub import ModelCard

from offbook import export
from offbook.core.persona import Persona
from offbook.core.text import has_chinese
from offbook.exporters.model_card import History, _front_matter, model_card
from offbook.exporters.parity import Parity
from offbook.exporters.source import ExportSource
from offbook.models.merging import merge


def test_hubs_can_read_the_front_matter_of_a_run(trained: Path, tmp_path: Path) -> None:
    folder = export(trained, "merged", out=tmp_path / "copy").path
    data = ModelCard.load(folder / "MODEL_CARD.md").data
    assert (data.language, data.library_name, data.pipeline_tag) == (["en"], "transformers", "text-generation")
    assert "offbook" in data.tags
    assert data.base_model is None, "a folder of this computer is no repository"


def test_its_sections_are_in_the_language_of_the_verdict(hamlet: Path) -> None:
    persona = Persona(**json.loads((hamlet / "persona.json").read_text()))
    source = ExportSource(None, None, persona, hamlet, [1], "ann", merge)
    config = {
        "evaluate": {"lang": "zh"},
        "lora": {"rank": 8, "alpha": 32, "dropout": 0.1, "target_modules": ["q_proj"]},
        "train": {"epochs": 1, "batch_size": 16, "learning_rate": 1e-4, "schedule": "linear", "seed": 0},
    }
    data = {"rows": 9, "heldout_rows": 2, "label_tokens": 70, "replay_rows": 3}
    verdict = {"heldout": {"base": {"loss": 3.0}, "tuned": {"loss": 2.0}}, "verdict": [{"text": "学会了。"}]}
    for to, files in (("adapter", []), ("merged", []), ("gguf", ["a.gguf", "a-lora.gguf"]), ("lora", ["a-lora.gguf"])):
        parity = Parity(logits=0.1, failures=["KL 过大"]) if to != "adapter" else None
        text = model_card(source, to, "f16" if parity else "", files, parity, History(config, data, verdict))
        body = re.sub(r"```.*?```|`[^`]*`", "", text.partition("\n---\n")[2], flags=re.DOTALL)
        headings = re.findall(r"^## (.*)", body, re.MULTILINE)
        assert headings
        assert all(has_chinese(heading) for heading in headings), headings
        sentences = [line for line in body.splitlines() if len(re.findall(r"[A-Za-z]{2,}", line)) > 5]
        assert all(has_chinese(line) for line in sentences if "sha256" not in line), sentences


def test_the_verdict_and_the_base_model_are_in_it(hamlet: Path) -> None:
    stored = json.loads((hamlet / "persona.json").read_text())
    persona = Persona(**{**stored, "base": {"source": "hf:org/model", "revision": "main"}})
    source = ExportSource(None, None, persona, hamlet, [1], "ann", merge)
    verdict = {"heldout": {"tuned": {"loss": 2.34567}}, "stops": {"tuned": {"share": 0.9}}, "fidelity": None}
    data = _front_matter(source, "gguf", "Apache License", History(verdict=verdict))
    assert (data.base_model, data.license, data.library_name) == ("org/model", "apache-2.0", "gguf")
    assert data.language == ["zh"], "the prompt holds Chinese"
    figures = {result.metric_type: result.metric_value for result in data.eval_results or []}
    assert figures == {"loss": 2.3457, "stop_rate": 0.9}
    other = _front_matter(source, "merged", "Tiny License, version 1", History())
    assert (other.license, other.license_name) == ("other", "Tiny License, version 1")


def test_names_and_prompts_are_text_and_damaged_records_are_left_out(hamlet: Path) -> None:
    persona = Persona(**json.loads((hamlet / "persona.json").read_text()))
    persona = persona.model_copy(update={"name": "Ann\n## Run it\x1b[2J", "system": "a|b\n<script>"})
    source = ExportSource(None, None, persona, hamlet, [1], "ann", merge)
    undamaged = model_card(source, "gguf", "q8_0", ["a.gguf"], Parity(), History())
    assert "# Ann ## Run it [2J\n" in undamaged
    assert "a\\|b &lt;script>" in undamaged
    for records in (
        {"data": {"rows": 1}},
        {"config": {"lora": 3}},
        {"verdict": {"heldout": {"base": 3}, "verdict": [1]}},
    ):
        assert model_card(source, "gguf", "q8_0", ["a.gguf"], Parity(), History(**records)) == undamaged
