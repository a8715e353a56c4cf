"""Adapters from other hands: only plain LoRA on the base model's own layers is opened, whole, and nothing else."""

from __future__ import annotations

import ast
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

from offbook.core.errors import UsageError
from offbook.models import adapter
from tests.tiny import tiny_model

MODULES = ("q_proj", "v_proj", "up_proj")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small adapter whose matrices are not at their zero start."""
    wrapped = adapter.attach(tiny_model(seed=1), rank=2, alpha=4, dropout=0, target_modules=MODULES, seed=0)
    for name, parameter in wrapped.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    wrapped.save_pretrained(str(tmp_path))
    return tmp_path


def configure(folder: Path, **changes: Any) -> None:
    """Change settings in adapter_config.json."""
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


def refusal(folder: Path) -> str:
    """Why the adapter is not opened."""
    with pytest.raises(UsageError) as caught:
        adapter.load(tiny_model(seed=1), folder)
    return caught.value.what


def test_no_hub_is_asked_when_an_adapter_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As peft does by itself, at every checkpoint, where the base's name is no folder here."""
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    lookups: list[str] = []

    def file_exists(repo: str, name: str, **options: object) -> bool:
        del name, options
        lookups.append(repo)
        return False

    monkeypatch.setattr("peft.utils.other.file_exists", file_exists)
    wrapped = adapter.attach(tiny_model(seed=1), rank=2, alpha=4, dropout=0, target_modules=MODULES, seed=0)
    wrapped.peft_config["default"].base_model_name_or_path = "someone/base"
    adapter.save(wrapped, NoTokenizer(), tmp_path)
    assert lookups == []
    assert not any("embed" in name for name in load_file(tmp_path / "adapter_model.safetensors"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapped.save_pretrained(str(tmp_path))
    assert lookups == ["someone/base"], "or else the test sees nothing"


def test_every_save_of_an_adapter_says_that_embeddings_are_none_of_it() -> None:
    source = Path(adapter.__file__).parents[1]
    calls = [
        (path.name, node)
        for folder in ("models", "training")
        for path in (source / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "save_pretrained"
    ]
    adapters = [(name, node) for name, node in calls if "tokenizer" not in ast.unparse(node.func)]
    assert len(adapters) >= 3
    assert [name for name, node in adapters if "save_embedding_layers=False" not in ast.unparse(node)] == []


class NoTokenizer:
    """Saves nothing."""

    def save_pretrained(self, folder: str) -> None:
        """Write no file."""


def test_a_plain_adapter_is_opened_whole(folder: Path) -> None:
    wrapped = adapter.load(tiny_model(seed=1), folder)
    stored = load_file(folder / "adapter_model.safetensors")
    loaded = {name.replace(".default", ""): value for name, value in wrapped.named_parameters() if "lora_" in name}
    assert loaded.keys() == stored.keys()
    assert all(torch.equal(loaded[name], stored[name]) for name in stored)


def test_what_peft_is_told_by_transformers_is_not_shown_to_users(folder: Path) -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always", FutureWarning)
        adapter.load(tiny_model(), folder)
        adapter.attach(tiny_model(), rank=2, alpha=4, dropout=0, target_modules=["q_proj"], seed=0)
    assert [str(warning.message) for warning in shown if warning.category is FutureWarning] == []


@pytest.mark.parametrize("kind", ["SHADOW", "PROMPT_TUNING", "", None])
def test_another_kind_is_refused_before_peft_sees_it(folder: Path, kind: str | None) -> None:
    configure(folder, peft_type=kind, shadow_model="/somewhere/else")
    assert "peft_type" in refusal(folder)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("megatron_core", "antigravity"), ("loftq_config", {"bits": 4}), ("init_lora_weights", "pissa"), ("tomorrow", 1)],
)
def test_a_setting_that_reaches_further_is_refused(folder: Path, setting: str, value: object) -> None:
    configure(folder, **{setting: value})
    assert setting in refusal(folder)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("target_modules", "(.*)*x"),
        ("target_modules", ".*.*.*.*.*.*x"),
        ("exclude_modules", "([a-z_.]+)+!"),
        ("rank_pattern", {"(a|.)+!": 4}),
        ("layers_pattern", ["(l+)+!"]),
    ],
)
def test_an_expression_that_may_take_for_ever_is_refused(folder: Path, setting: str, value: object) -> None:
    configure(folder, **{setting: value})
    assert "may take for ever" in refusal(folder)


def test_layers_may_be_named_by_an_expression(folder: Path) -> None:
    configure(folder, target_modules=r"^(?!.*lm_head).*(?:q_proj|v_proj|up_proj)$")
    loaded = adapter.load(tiny_model(seed=1), folder).peft_config["default"]
    assert isinstance(loaded, LoraConfig)
    assert loaded.r == 2


def test_a_config_that_names_fewer_modules_is_refused(folder: Path) -> None:
    configure(folder, target_modules=["q_proj"])
    assert "up_proj, v_proj" in refusal(folder)


def test_an_adapter_that_brings_weights_of_the_base_model_is_refused(folder: Path) -> None:
    path = folder / "adapter_model.safetensors"
    name, weight = next(iter(tiny_model(seed=1).named_parameters()))
    key = f"base_model.model.{name}"
    save_file({**load_file(path), key: weight.detach() + 1}, path, {"format": "pt"})
    assert key in refusal(folder)
    save_file({**load_file(path), key: weight.detach().clone()}, path, {"format": "pt"})
    adapter.load(tiny_model(seed=1), folder)  # the same values, as peft saves embeddings


def test_modules_that_were_trained_whole_are_the_adapters_own(tmp_path: Path) -> None:
    config = LoraConfig(task_type="CAUSAL_LM", r=2, target_modules=["q_proj"], modules_to_save=["lm_head"])
    wrapped = get_peft_model(tiny_model(seed=1), config)
    for name, parameter in wrapped.named_parameters():
        if "modules_to_save" in name:
            torch.nn.init.normal_(parameter)
    wrapped.save_pretrained(str(tmp_path))
    loaded = adapter.load(tiny_model(seed=1), tmp_path)
    ids = torch.arange(4)[None]
    assert torch.equal(loaded(ids).logits, wrapped.eval()(ids).logits)


def test_a_damaged_file_is_told(folder: Path) -> None:
    (folder / "adapter_model.safetensors").write_bytes(b"torn")
    assert "damaged" in refusal(folder)


def test_an_adapter_with_rows_for_more_tokens_says_how_many(tmp_path: Path) -> None:
    """An adapter that was trained with added tokens, on the base model without them."""
    larger: Any = tiny_model()
    larger.resize_token_embeddings(520)
    modules = ["embed_tokens", "lm_head"]
    config = LoraConfig(task_type="CAUSAL_LM", r=2, target_modules=["q_proj"], modules_to_save=modules)
    get_peft_model(larger, config).save_pretrained(str(tmp_path))
    with pytest.raises(UsageError, match="has 520 rows in the adapter and 512 in the model"):
        adapter.load(tiny_model(), tmp_path)
