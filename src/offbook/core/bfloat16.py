"""Products in bfloat16 on a processor: by its own instructions, or as float32 products of the rounded factors.

A processor with AVX512_BF16 or AMX multiplies bfloat16 numbers and adds up in float32. On any other one torch computes
such a product in a loop that takes six times as long as a float32 product. The product of two bfloat16 numbers is
exact in float32, so a float32 product of the widened factors gives the same sums, but for their order, at the speed
of float32. A run that began with the instructions can thus be gone on with without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

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


@contextmanager
def rounded_factors(device: torch.device) -> Iterator[None]:
    """Within it, a float32 product on a processor with matrix units (AMX) rounds its factors to bfloat16 on the way in.

    Sums and results stay float32, which no product of bfloat16 tensors gives on a processor. Without matrix units such
    a product is no faster than an exact one, so nothing changes there, nor on other devices.
    """
    import torch

    if device.type != "cpu" or not torch.cpu._is_amx_tile_supported():
        yield
        return
    onednn: Any = torch.backends.mkldnn
    matmul = onednn.matmul
    before, matmul.fp32_precision = matmul.fp32_precision, "bf16"
    try:
        yield
    finally:
        matmul.fp32_precision = before
