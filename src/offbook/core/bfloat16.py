"""Products in bfloat16 on a processor: by its own instructions, or as float32 products of the rounded factors.

A processor with AVX512_BF16 or AMX multiplies bfloat16 numbers and adds up in float32. On any other one torch computes
such a product in a loop that takes six times as long as a float32 product. The product of two bfloat16 numbers is
exact in float32, so a float32 product of the widened factors gives the same sums, but for their order, at the speed
of float32. A run that began with the instructions can thus be gone on with without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def has_instructions(device: torch.device) -> bool:
    """Whether the device multiplies in bfloat16 by itself; of a processor it is asked, of all others supposed."""
    import torch

    return device.type != "cpu" or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def bfloat16_linear(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The product x weightᵀ, summed up in float32: x (…, k), weight (m, k), both bfloat16 → (…, m) bfloat16."""
    if has_instructions(x.device):
        return x @ weight.t()
    return (x.float() @ weight.float().t()).bfloat16()
