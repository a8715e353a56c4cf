"""LoRA layers computed the short way say what peft's say, and the model is as it was afterwards."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import Linear as LoraLinear

from offbook.generation.short_lora import short_lora
from tests.tiny import tiny_model

IDS = torch.tensor([[5, 6, 7, 8], [9, 10, 11, 12]])


def tuned(**options: Any) -> PeftModel:
    """A model with an adapter that is not at its zero start."""
    torch.manual_seed(0)
    model = get_peft_model(tiny_model("llama"), LoraConfig(r=4, target_modules=["q_proj", "down_proj"], **options))
    for name, weight in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=0.1)
    return model.eval()


@torch.inference_mode()
def answers(model: PeftModel) -> torch.Tensor:
    logits: torch.Tensor = model(input_ids=IDS).logits
    return logits


@pytest.mark.filterwarnings("ignore:`lora_bias=True` was passed:peft.utils.warning.PeftWarning")
@pytest.mark.parametrize("options", [{}, {"use_dora": True}, {"lora_bias": True}, {"use_rslora": True}])
def test_the_answers_are_peft_s(options: dict[str, Any]) -> None:
    model = tuned(**options)
    expected = answers(model)
    with model.disable_adapter():
        base = answers(model)
    assert (expected - base).abs().max() > 1e-3
    with short_lora(model):
        torch.testing.assert_close(answers(model), expected, rtol=1e-5, atol=1e-5)
        with model.disable_adapter():
            assert torch.equal(answers(model), base)
        if "lora_bias" not in options:  # such an adapter cannot be merged into layers without a bias
            model.merge_adapter()
            torch.testing.assert_close(answers(model), expected, rtol=1e-5, atol=1e-5)


def test_a_plain_adapter_takes_the_short_way_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    forward = LoraLinear.forward

    def counted(layer: Any, hidden: torch.Tensor) -> torch.Tensor:
        calls.append(layer)
        return forward(layer, hidden)

    monkeypatch.setattr(LoraLinear, "forward", counted)
    model = tuned()
    with short_lora(model):
        answers(model)
        assert not calls
        model.train()
        answers(model)
        assert calls
    assert all("forward" not in vars(part) for part in model.modules())
