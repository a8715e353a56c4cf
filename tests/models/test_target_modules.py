"""Which layers get an adapter: all of the decoder's, none of a vision tower's, and by any way of naming them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.models import adapter
from offbook.models.target_modules import left_out, select
from tests.architectures import tiny_config, tiny_model

LLAMA = ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]


def model(architecture: str) -> Any:
    return tiny_model(tiny_config(architecture))


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [
        ("llama", LLAMA),
        ("phi3", ["down_proj", "gate_up_proj", "o_proj", "qkv_proj"]),
        ("gpt2", ["c_attn", "c_fc", "c_proj"]),
        ("lfm2", ["in_proj", "k_proj", "out_proj", "q_proj", "v_proj", "w1", "w2", "w3"]),
        ("qwen3_moe", ["k_proj", "o_proj", "q_proj", "v_proj"]),
        ("mamba2", ["in_proj"]),
        ("modernbert-decoder", ["Wi", "Wo", "k_proj", "q_proj", "v_proj"]),
        ("phi4_multimodal", ["down_proj", "gate_up_proj", "o_proj", "qkv_proj"]),
    ],
)
def test_all_linear_takes_the_layers_of_the_decoder(architecture: str, expected: list[str]) -> None:
    chosen = select(model(architecture), ["all-linear"])
    assert sorted({name.rpartition(".")[2] for name in chosen}) == expected
    assert not [name for name in chosen if "audio" in name or "image" in name]


def test_a_vision_tower_gets_no_adapter() -> None:
    both = model("gemma3")
    for wanted in (["all-linear"], ["q_proj", "v_proj"]):
        chosen = select(both, wanted)
        assert chosen
        assert all("language_model" in name for name in chosen)
    assert len(select(both, ["all-linear"])) == 7 * both.config.text_config.num_hidden_layers


def test_names_and_patterns() -> None:
    llama = model("llama")
    assert select(llama, ["q_proj", "self_attn.v_proj"]) == ["q_proj", "v_proj"]
    assert select(llama, [r".*self_attn\.[qk]_proj"]) == ["k_proj", "q_proj"]
    assert select(llama, [r".*\.0\.mlp\..*"]) == [f"model.layers.0.mlp.{name}_proj" for name in ("down", "gate", "up")]


@pytest.mark.parametrize(
    ("wanted", "message"), [("qkv", "no layer named qkv"), ("*.q_proj", "is no regular expression")]
)
def test_what_matches_nothing_is_refused(wanted: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        select(model("llama"), [wanted])


def test_routed_experts_are_named_as_left_out() -> None:
    moe = model("qwen3_moe")
    (note,) = left_out(moe, select(moe, ["all-linear"]))
    assert "routed experts" in note
    assert "model.layers.*.mlp.experts.gate_up_proj" in note
    assert left_out(model("llama"), LLAMA) == []


def test_layers_whose_adapters_peft_would_not_find_again_get_none() -> None:
    laguna = model("laguna")
    chosen = select(laguna, ["all-linear"])
    assert chosen
    assert not [name for name in chosen if "shared_experts" in name]
    assert ["shared_experts" in note for note in left_out(laguna, chosen)][-1]


def test_layers_whose_adapters_are_saved_under_other_names_get_none(tmp_path: Path) -> None:
    """Seen by saving and finding again, whatever the architecture."""
    options: dict[str, Any] = {"rank": 2, "alpha": 4, "dropout": 0, "seed": 0}
    wrapped = adapter.attach(model("mistral_large4"), target_modules=["all-linear"], **options)
    assert wrapped.targeted_module_names
    assert not [name for name in wrapped.targeted_module_names if "shared_experts" in name]
    notes = left_out(wrapped.get_base_model(), wrapped.targeted_module_names)
    assert "model.language_model.layers.*.mlp.shared_experts.up_proj" in notes[-1]
    wrapped.save_pretrained(str(tmp_path))
    assert adapter.load(model("mistral_large4"), tmp_path).targeted_module_names == wrapped.targeted_module_names
    with pytest.raises(UsageError, match=r"not find them again: .*shared_experts\.up_proj"):
        adapter.attach(model("mistral_large4"), target_modules=["q_proj", "up_proj"], **options)
