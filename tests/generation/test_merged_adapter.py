"""An adapter merged without peft: the weights that peft's own merge gives, and refused where it would not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model

from offbook.generation.adapter_bank import NotPlainError
from offbook.generation.merged_adapter import merge_plain
from offbook.models.load import load_model


def adapter(tiny: Path, folder: Path, **options: Any) -> Path:
    """An adapter that changes something, in a folder."""
    settings = {"r": 4, "lora_alpha": 6, "target_modules": ["q_proj", "down_proj"], **options}
    model = get_peft_model(load_model(tiny), LoraConfig(task_type="CAUSAL_LM", **settings))
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_" in name:
                weight.copy_(torch.randn(weight.shape, generator=generator) * 0.1)
    model.save_pretrained(str(folder))
    return folder


@pytest.mark.parametrize("options", [{}, {"use_rslora": True}, {"alpha_pattern": {"down_proj": 16}}])
def test_the_weights_are_those_of_peft(tiny: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    folder = adapter(tiny, tmp_path / "adapter", **options)
    merged, base = load_model(tiny), load_model(tiny).state_dict()
    merge_plain(merged, folder)
    expected = PeftModel.from_pretrained(load_model(tiny), str(folder)).merge_and_unload().state_dict()
    changed = 0
    for name, weight in merged.state_dict().items():
        torch.testing.assert_close(weight, expected[name], rtol=1e-6, atol=1e-7)
        changed += not torch.equal(weight, base[name])
    assert changed == 2 * len(merged.model.layers)


@pytest.mark.parametrize(
    "change",
    [
        {"target_modules": ["q_proj"]},
        {"target_modules": ["q_proj", "down_proj", "k_proj"]},
        {"target_modules": ".*(q_proj|down_proj)"},
        {"layers_to_transform": [0]},
        {"use_dora": True},
    ],
)
def test_an_adapter_that_only_peft_can_judge_is_refused_and_the_model_stays(
    tiny: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    folder = adapter(tiny, tmp_path / "adapter")
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, **change}))
    model = load_model(tiny)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    with pytest.raises(NotPlainError):
        merge_plain(model, folder)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
