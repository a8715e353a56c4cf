"""Four bits a weight, as bitsandbytes has them."""

import pytest
import torch

from offbook.models import nf4


def weight(rows: int = 24, columns: int = 64) -> torch.Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(3)) / 8


def test_each_weight_becomes_the_nearest_number_of_its_block() -> None:
    original = weight()
    packed, scales = nf4.quantize(original)
    assert packed.dtype == torch.uint8
    assert packed.numel() == original.numel() // 2
    restored = nf4.dequantize(packed, scales, (24, 64))
    choices = torch.tensor(nf4.CODE)[None, :] * scales[:, None]  # (blocks, 16)
    values = original.reshape(-1, nf4.BLOCK)
    nearest = (values[:, :, None] - choices[:, None, :]).abs().amin(2)
    assert torch.allclose((restored.reshape(-1, nf4.BLOCK) - values).abs(), nearest, atol=1e-6)
    assert torch.equal(nf4.dequantize(*nf4.quantize(restored), (24, 64)), restored)


def test_a_block_of_zeros_stays_zero() -> None:
    original = weight()
    original[3] = 0
    assert not nf4.dequantize(*nf4.quantize(original), (24, 64))[3].any()


def test_the_bits_are_those_of_bitsandbytes() -> None:
    functional = pytest.importorskip("bitsandbytes.functional", reason="pip install bitsandbytes to compare with it")
    original = weight(96, 128)
    packed, scales = nf4.quantize(original)
    theirs, state = functional.quantize_4bit(original, blocksize=nf4.BLOCK, quant_type="nf4")
    assert torch.equal(packed, theirs.flatten())
    assert torch.equal(scales, state.absmax)
    assert torch.equal(nf4.dequantize(packed, scales, (96, 128)), functional.dequantize_4bit(theirs, state))
