"""Which files of a folder are a model's weights, told from their names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from offbook.core.errors import UsageError
from offbook.hub.weights import INDEX, SINGLE, model_files, weight_files

ADAPTER = ["adapter_config.json", "adapter_model.safetensors"]


def folder_of(path: Path, names: list[str]) -> Path:
    for name in names:
        (path / name).write_text("{}")
    return path


@pytest.mark.parametrize(
    ("names", "message", "fix"),
    [
        (["config.json", *ADAPTER], "is an adapter, not a model", "model.adapter, to train it further; chat and serve"),
        (ADAPTER, "is an adapter, not a model", "Name its base model"),
        (["config.json", SINGLE, *ADAPTER], "holds an adapter beside the model", "a folder of their own"),
    ],
)
def test_an_adapter_is_no_base(tmp_path: Path, names: list[str], message: str, fix: str) -> None:
    """transformers would load the model that the adapter names, and the adapter into it."""
    with pytest.raises(UsageError, match=message) as refused:
        weight_files(folder_of(tmp_path, names))
    assert fix in refused.value.fix


def test_of_a_repository_with_both_the_model_is_taken() -> None:
    assert model_files(["config.json", SINGLE, *ADAPTER]) == ["config.json", SINGLE]
    assert model_files(["config.json", *ADAPTER]) == ["config.json", *ADAPTER]


def test_of_weights_in_one_file_and_in_parts_the_one_counts_that_is_loaded(tmp_path: Path) -> None:
    folder_of(tmp_path, ["config.json", "model-1.safetensors", "model-2.safetensors"])
    parts = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (tmp_path / INDEX).write_text(json.dumps(parts))
    assert weight_files(tmp_path) == ["model-1.safetensors", "model-2.safetensors"]
    (tmp_path / SINGLE).write_bytes(b"")
    assert weight_files(tmp_path) == [SINGLE]
    (tmp_path / SINGLE).unlink()
    (tmp_path / "model-2.safetensors").unlink()
    with pytest.raises(UsageError, match=r"lacks model-2\.safetensors"):
        weight_files(tmp_path)


@pytest.mark.parametrize("name", [SINGLE, "tokenizer.json"])
def test_a_pointer_of_git_lfs_is_no_file(tmp_path: Path, name: str) -> None:
    folder_of(tmp_path, ["config.json", SINGLE, "tokenizer.json"])
    assert weight_files(tmp_path) == [SINGLE]
    (tmp_path / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n")
    with pytest.raises(UsageError, match="is a pointer of Git LFS") as refused:
        weight_files(tmp_path)
    assert "git lfs pull" in refused.value.fix
