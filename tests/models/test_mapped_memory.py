"""Pages of a mapped file are given back, and read again where they are needed."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from offbook.models.mapped_memory import release

MIB = 2**20


def mapped_bytes() -> int:
    """Memory of this process that is a file's."""
    return int(psutil.Process().memory_info().shared)


@pytest.mark.skipif(sys.platform != "linux", reason="pages are given back on Linux alone")
def test_a_weight_of_a_file_gives_its_memory_back_and_keeps_its_values(tmp_path: Path) -> None:
    values = torch.arange(8 * MIB, dtype=torch.float32)  # 32 MiB
    save_file({"first": values, "second": values + 1}, tmp_path / "model.safetensors")
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        first, second = file.get_tensor("first"), file.get_tensor("second")
    before = mapped_bytes()
    assert first.sum() + second.sum() > 0
    looked_at = mapped_bytes()
    if looked_at - before < 60 * MIB:
        pytest.skip("this safetensors reads files instead of mapping them")
    release(first)
    assert looked_at - mapped_bytes() > 30 * MIB
    assert torch.equal(first, values)
    assert torch.equal(second, values + 1)


def test_a_weight_in_memory_is_left_alone() -> None:
    values = torch.arange(MIB, dtype=torch.float32)
    release(values)
    release(values[5:1000])
    release(values.view(1024, 1024).t())
    assert torch.equal(values, torch.arange(MIB, dtype=torch.float32))
