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
from offbook.models.load import load_model, load_tokenizer, refuse_nonfinite
from offbook.models.storage import StoredEmbedding, StoredLinear, store
from offbook.tokenization.stop_tokens import untrained_twins
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
