"""Models as they come: what cannot be loaded is refused in a sentence that says why and what else to take."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from offbook.core.errors import UsageError
from offbook.core.persona import StopToken
from offbook.models.load import load_config, load_model, load_tokenizer
from offbook.models.storage import StoredEmbedding, StoredLinear, store
from offbook.models.weight_checks import notes_on_unused_weights, refuse_nonfinite
from offbook.tokenization.stop_tokens import proves_stop, stop_ids, untrained_twins
from tests.tiny import CHATML, chatml_tokenizer, tiny_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny_model().save_pretrained(tmp_path)
    chatml_tokenizer().save_pretrained(tmp_path)
    return tmp_path


def change(folder: Path, **entries: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


@pytest.mark.parametrize(
    ("name", "original"),
    [("Fine-0.5B-AWQ", "Fine-0.5B"), ("Fine-0.5B-GPTQ-Int4", "Fine-0.5B"), ("fine", "that it was made from")],
)
def test_a_quantized_copy_names_the_original(folder: Path, name: str, original: str) -> None:
    copy = folder.rename(folder.parent / name)
    change(copy, quantization_config={"quant_method": "awq", "bits": 4})
    with pytest.raises(UsageError, match=r"is a quantized copy \(awq\)") as error:
        load_model(copy)
    assert original in error.value.fix


def test_a_model_with_code_of_its_own_is_told_from_a_broken_folder(folder: Path) -> None:
    change(folder, model_type="homemade", architectures=["HomemadeForCausalLM"])
    with pytest.raises(UsageError, match="does not know"):
        load_model(folder)
    change(folder, auto_map={"AutoConfig": "own.Config"})
    (folder / "own.py").write_text("raise SystemExit('this ran')")
    with pytest.raises(UsageError, match=r"\(HomemadeForCausalLM\) needs Python code of its own"):
        load_model(folder)


def test_weights_that_are_missing_are_named(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    removed = [name for name in weights if "layers.1.mlp" in name]
    save_file(
        {name: tensor for name, tensor in weights.items() if name not in removed},
        folder / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(UsageError, match=r"lack .*layers\.1\.mlp.*random numbers"):
        load_model(folder)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden_size": "32"}, "no usable model .*'hidden_size': TypeError: Field 'hidden_size' expected int"),
        ({"hidden_act": "superglu"}, "cannot load the model .*KeyError 'superglu'"),
        ({"pad_token_id": 512}, "cannot load the model .*Padding_idx"),
        ({"num_hidden_layers": 10**9}, "says num_hidden_layers: 1000000000, which no model has"),
        ({"attention_dropout": 9}, "says attention_dropout: 9, which no model has"),
        ({"text_config": {"resid_pdrop": -0.5}}, "says resid_pdrop: -0.5, which no model has"),
        ({"vocab_size": 10**12}, "cannot load the model .*memory"),
        ({"num_key_value_heads": 4}, r"layers\.0\.self_attn\.k_proj\.weight in .* the sizes \(16, 32\), .* \(32, 32\)"),
    ],
)
def test_numbers_that_make_no_model_are_refused_in_a_sentence(folder: Path, settings: Any, message: str) -> None:
    """Each raises an error of another class in transformers or torch."""
    change(folder, **settings)
    with pytest.raises(UsageError, match=message):
        load_model(folder)


def test_flags_that_its_makers_left_change_nothing(folder: Path) -> None:
    change(folder, return_dict=False, output_hidden_states=True, output_attentions=True, use_cache=False)
    result = load_model(folder)(input_ids=torch.tensor([[5, 6]]), use_cache=False)
    assert (result.hidden_states, result.attentions) == (None, None)


def test_attention_of_a_library_that_is_not_here_is_not_asked_for(folder: Path) -> None:
    change(folder, attn_implementation="flash_attention_2")
    assert load_model(folder).config._attn_implementation == "sdpa"
    change(folder, quantization_config={})
    assert not hasattr(load_config(folder), "quantization_config")


def test_layers_that_the_configuration_does_not_count_are_told(folder: Path) -> None:
    assert notes_on_unused_weights(load_model(folder)) == []
    change(folder, num_hidden_layers=1)
    (note,) = notes_on_unused_weights(load_model(folder))
    assert "they are left out: model.layers.*.input_layernorm.weight, model.layers.*.mlp.down_proj.weight" in note


def test_of_a_models_generation_settings_only_the_stops_are_kept(folder: Path) -> None:
    settings = {"eos_token_id": [2, 7], "stop_strings": ["User:"], "min_new_tokens": 9, "forced_eos_token_id": 2}
    (folder / "generation_config.json").write_text(json.dumps({**settings, "temperature": 0.9, "do_sample": False}))
    model: Any = load_model(folder)
    assert model.generation_config.eos_token_id == [2, 7]
    stop = StopToken(token="<|im_end|>", id=2)
    assert proves_stop(model, stop, stop_ids(stop, model.generation_config.eos_token_id))
    model.save_pretrained(folder / "copy")  # which refuses contradictory settings
    kept = json.loads((folder / "copy" / "generation_config.json").read_text())
    assert not {"stop_strings", "min_new_tokens", "forced_eos_token_id", "temperature"} & {*kept}


def test_packed_numbers_without_a_word_on_them_are_no_weights(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    for name in [name for name in weights if "proj" in name]:
        scale = weights[name].abs().amax(1) / 127
        weights[name] = (weights[name] / scale[:, None]).round().to(torch.int8)
        weights[name.replace("weight", "SCB")] = scale
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(UsageError, match=r"are packed \(model\.layers\.0\.mlp\.down_proj\.SCB\)") as refused:
        load_model(folder)
    assert "original" in refused.value.fix


@pytest.mark.parametrize("content", ["{", '{"version": "1.0", "model": {"type": "New"}}'])
def test_a_tokenizer_that_cannot_be_read_is_refused_in_a_sentence(folder: Path, content: str) -> None:
    (folder / "tokenizer.json").write_text(content)
    with pytest.raises(UsageError, match="no usable tokenizer"):
        load_tokenizer(folder)


def test_a_configuration_that_is_at_fault_is_not_blamed_on_the_tokenizer(folder: Path) -> None:
    change(folder, hidden_size="32")
    with pytest.raises(UsageError, match="no usable model"):
        load_tokenizer(folder)


def test_what_is_said_keeps_its_spaces(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "clean_up_tokenization_spaces": True}))
    tokenizer = load_tokenizer(folder)
    assert tokenizer.decode(tokenizer("you , I ca n't")["input_ids"]) == "you , I ca n't"


def test_control_tokens_are_never_split(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "split_special_tokens": True}))
    assert load_tokenizer(folder)("<|im_end|>", add_special_tokens=False)["input_ids"] == [2]


def test_of_several_templates_the_default_is_used(folder: Path) -> None:
    tokenizer = chatml_tokenizer()
    template = tokenizer.chat_template
    tokenizer.chat_template = {"tool_use": "{{ raise_exception('tools') }}", "default": template}
    tokenizer.save_pretrained(folder)
    assert load_tokenizer(folder).chat_template == template


def test_a_template_in_a_file_of_its_own_is_found(folder: Path) -> None:
    """Where processors of text and pictures had theirs."""
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(UsageError, match="has no chat template"):
        load_tokenizer(folder)
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": CHATML}))
    assert load_tokenizer(folder).chat_template == CHATML


def test_upcasting_layers_take_the_place_of_plain_ones_and_share_their_weights() -> None:
    model = tiny_model("llama-tied")
    store(model)
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    assert type(embedding) is StoredEmbedding
    assert {type(layer) for layer in model.modules() if isinstance(layer, torch.nn.Linear)} == {StoredLinear}
    assert embedding.weight is head.weight
    assert head.weight.dtype == torch.bfloat16


def test_a_row_that_was_never_trained_has_twins() -> None:
    model = tiny_model()
    assert untrained_twins(model, 2) == 0
    with torch.no_grad():
        weight = model.get_output_embeddings().weight
        weight[10:16] = weight[2]
    assert untrained_twins(model, 2) == 6


def test_a_weight_that_is_no_number_is_named() -> None:
    model: Any = tiny_model(seed=1)
    refuse_nonfinite(model)
    with torch.no_grad():
        model.get_input_embeddings().weight[3, 0] = float("nan")
    with pytest.raises(UsageError, match=r"embed_tokens\.weight holds NaN"):
        refuse_nonfinite(model)


@pytest.mark.parametrize("storage", ["bfloat16", "int8", "nf4"])
def test_a_weight_that_is_no_number_is_named_in_stored_weights_too(storage: Any) -> None:
    model: Any = tiny_model(seed=1)
    with torch.no_grad():
        model.model.layers[1].mlp.up_proj.weight[3, 0] = float("nan")
    with pytest.raises(UsageError, match=r"layers\.1\.mlp\.up_proj\.\w+ holds NaN"):
        refuse_nonfinite(store(model, storage))


@pytest.mark.parametrize(
    "settings",
    [
        {"attn_implementation": "someone/kernel"},
        {"_attn_implementation": {"": "sdpa", "text_config": "someone/kernel@main:attend"}},
        {"text_config": {"experts_implementation": "someone/kernel"}},
    ],
)
def test_compiled_code_from_a_hub_is_never_asked_for(tiny: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    folder = shutil.copytree(tiny, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **settings}))
    with pytest.raises(UsageError, match="compiled code from a hub"):
        load_model(folder)
