"""NF4: four bits a weight, each one of sixteen numbers times the largest of its block (QLoRA: arXiv:2305.14314).

The sixteen are quantiles of the normal distribution (appendix E of the paper), and 64 weights that follow each other
make a block. The bits are those of bitsandbytes, with its defaults and without double quantization, so a base model
that was quantized there is the same one.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch

BLOCK = 64
"""Weights that share a largest absolute value."""

CODE = (
    *(-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453),
    *(-0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0),
    *(0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224),
    *(0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0),
)
"""The numbers that a four-bit index stands for, ascending."""

_BOUNDARIES = tuple((low + high) / 2 for low, high in pairwise(CODE))


def quantize(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The indices and scales of a weight.

    Args:
        weight: (out, in), of any number format; its number of values is a multiple of `BLOCK`.

    Returns:
        (out · in / 2,) uint8, two indices a byte, the first one in its upper half; and (out · in / BLOCK,) float32, the
        largest absolute value of each block.
    """
    blocks = weight.float().reshape(-1, BLOCK)
    scales = blocks.abs().amax(1)
    inverse = torch.where(scales > 0, 1 / scales, 0.0)
    boundaries = torch.tensor(_BOUNDARIES, device=weight.device)
    indices = torch.bucketize(blocks * inverse[:, None], boundaries, out_int32=True).to(torch.uint8).flatten()
    return indices[0::2] << 4 | indices[1::2], scales


def dequantize(packed: torch.Tensor, scales: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    """The weight (out, in), float32, of what `quantize` gave."""
    assert math.prod(shape) == 2 * packed.numel()
    numbers = torch.tensor(CODE, device=packed.device)
    pairs = torch.stack((numbers.repeat_interleave(16), numbers.repeat(16)), 1)
    # A pair of float32 is looked up as one int64: twice as fast as a row of two.
    values = pairs.view(torch.int64).flatten().index_select(0, packed.int()).view(torch.float32)
    return values.view(-1, BLOCK).mul_(scales[:, None]).view(shape)
