"""Quantized copies: what is unpacked is what was packed, and what cannot be is named with its original."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from offbook.core.errors import UsageError
from offbook.models.load import load_config, load_model
from offbook.models.quantized_copy import notes_on_unpacking, original_of
from tests.architectures import tiny_config
from tests.architectures import tiny_model as model_of
from tests.tiny import tiny_model

BLOCK = 16
FP4 = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6])
"""The values of four bits: a sign, two bits of exponent, one of mantissa (OCP Microscaling Formats 1.0)."""


def repack(folder: Path, tensors: dict[str, torch.Tensor], quantization: dict[str, Any]) -> None:
    """Put tensors in the place of a folder's weights, and what they are packed with into its config.json."""
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "quantization_config": quantization}))


def test_blocks_of_eight_bits(tmp_path: Path) -> None:
    tiny_model("llama").save_pretrained(tmp_path)
    packed, expected = {}, {}
    for name, weight in load_file(tmp_path / "model.safetensors").items():
        packed[name] = expected[name] = weight
        if "proj" in name:
            rows, columns = (size // BLOCK for size in weight.shape)
            scales = torch.rand(rows, columns) + 0.5
            spread = scales.repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)
            packed[name] = (weight / spread).to(torch.float8_e4m3fn)
            packed[f"{name}_scale_inv"] = scales
            expected[name] = packed[name].float() * spread
    repack(tmp_path, packed, {"quant_method": "fp8", "weight_block_size": [BLOCK, BLOCK], "fmt": "e4m3"})
    loaded = load_model(tmp_path, "float32")
    for name, weight in loaded.state_dict().items():
        torch.testing.assert_close(weight, expected[name])
    assert "fp8" in notes_on_unpacking(load_config(tmp_path))[0]
    loaded.save_pretrained(tmp_path / "copy")
    assert "quantization_config" not in json.loads((tmp_path / "copy" / "config.json").read_text())
    again = load_model(tmp_path / "copy", "float32").state_dict()
    assert all(torch.equal(again[name], weight) for name, weight in loaded.state_dict().items())


def test_experts_of_four_bits(tmp_path: Path) -> None:
    """gpt-oss is published so, and no other way."""
    model_of(tiny_config("gpt_oss")).save_pretrained(tmp_path)
    generator = torch.Generator().manual_seed(2)
    packed, expected = {}, {}
    for name, weight in load_file(tmp_path / "model.safetensors").items():
        if not name.endswith(("experts.gate_up_proj", "experts.down_proj")):
            packed[name] = weight
            continue
        experts, inputs, outputs = weight.shape
        blocks = torch.randint(0, 256, (experts, outputs, inputs // 32, 16), dtype=torch.uint8, generator=generator)
        scales = torch.randint(120, 124, (experts, outputs, inputs // 32), dtype=torch.uint8, generator=generator)
        packed[f"{name}_blocks"], packed[f"{name}_scales"] = blocks, scales
        values = torch.stack([FP4[(blocks & 15).long()], FP4[(blocks >> 4).long()]], -1).flatten(-2)
        expected[name] = (values * 2.0 ** (scales.float()[..., None] - 127)).flatten(-2).transpose(1, 2)
    repack(tmp_path, packed, {"quant_method": "mxfp4", "modules_to_not_convert": ["model.embed_tokens", "lm_head"]})
    loaded = load_model(tmp_path, "float32")
    loaded.save_pretrained(tmp_path / "copy")
    assert expected
    for model in (loaded, load_model(tmp_path / "copy", "float32")):
        state = model.state_dict()
        for name, weight in expected.items():
            torch.testing.assert_close(state[name], weight)


@pytest.mark.parametrize(
    ("copy", "original"),
    [
        ("Small-3B-bnb-4bit", "Small-3B"),
        ("Small-3B-FP8-dynamic", "Small-3B"),
        ("Small-3B-quantized.w4a16", "Small-3B"),
        ("Small-3B-Instruct-GGUF", "Small-3B-Instruct"),
        ("Small-3B-Instruct", "Small-3B-Instruct"),
    ],
)
def test_the_name_of_an_original(copy: str, original: str) -> None:
    assert original_of(copy) == original


def test_a_format_whose_library_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offbook.models.quantized_copy.find_spec", lambda _: None)
    tiny_model("llama").save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    repack(tmp_path, weights, {"quant_method": "compressed-tensors", "format": "pack-quantized"})
    with pytest.raises(UsageError, match=r"is a quantized copy \(compressed-tensors\)"):
        load_model(tmp_path)
