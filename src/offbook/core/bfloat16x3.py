"""Products of float32 numbers with bfloat16 weights on matrix units (AMX), as exact as in float32 and faster.

Most models are published in bfloat16, so that their weights lose nothing in it. The 24 significant bits of a float32
number are the sum of three bfloat16 numbers; each of their products with a weight is exact in float32, in which the
processor adds up:

    x = x₁ + x₂ + x₃        x Wᵀ = x₁ Wᵀ + x₂ Wᵀ + x₃ Wᵀ

(Henry, Tang and Heinecke, 2019, arXiv:1904.06376, who split both factors.) Matrix units multiply bfloat16 numbers four
to six times as fast as the processor multiplies float32 ones, so the three take about half as long as one of those.

The product is MKL's `cblas_gemm_bf16bf16f32` (oneMKL developer reference, BLAS-like extensions), which the library of
torch holds and shows; no operator of torch gives sums in float32 of bfloat16 factors on a processor.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

ROW_MAJOR, NOT_TRANSPOSED, TRANSPOSED = 101, 111, 112
"""What CBLAS calls the order of a matrix in memory."""

ROWS_AT_ONCE = 64
"""Rows that are split into pieces together: few enough that they stay in the cache."""

FEW_ROWS = 192
"""Rows of x up to which its three pieces are multiplied in one call: there it counts that the weight is read once."""

COLUMNS_AT_ONCE = 1024
"""Columns of the result that are computed together there: the pieces' products stay in the cache."""


class Pieces:
    """A float32 matrix as the sum of three in bfloat16.

    Args:
        x: (n, k), float32.
    """

    def __init__(self, x: torch.Tensor) -> None:
        import torch

        self.shape = x.shape
        self.parts = torch.empty(3, *x.shape, dtype=torch.bfloat16)
        """(3, n, k), contiguous."""
        pieces = (piece.split(ROWS_AT_ONCE) for piece in (x, *self.parts))
        for rows, first, second, third in zip(*pieces, strict=True):
            first.copy_(rows)
            rest = rows - first
            second.copy_(rest)
            third.copy_(rest.sub_(second))


def computes(device: torch.device) -> bool:
    """Whether the device computes such products: a processor with matrix units, and torch's library with MKL's."""
    import torch

    return device.type == "cpu" and torch.cpu._is_amx_tile_supported() and _gemm() is not None


def product(x: Pieces, weight: torch.Tensor) -> torch.Tensor:
    """The product x weightᵀ: x (n, k), weight (m, k) bfloat16, it or its transpose contiguous → (n, m) float32.

    Not differentiable.
    """
    import torch

    y = torch.empty(x.shape[0], weight.shape[0])
    return add_product(y, x, weight, keep=False)


def add_product(y: torch.Tensor, x: Pieces, weight: torch.Tensor, *, keep: bool = True) -> torch.Tensor:
    """The sum y + x weightᵀ, in y's memory; not differentiable.

    Args:
        y: (n, m) float32, the values of a row side by side.
        x: (n, k).
        weight: (m, k) bfloat16, it or its transpose contiguous in its rows.
        keep: False for the product alone, whatever y holds.
    """
    import torch

    if not y.numel():
        return y
    rows = y.shape[0]
    if rows > FEW_ROWS:
        for number, part in enumerate(x.parts):
            _multiply(y, part, weight, keep=keep or number > 0)
        return y
    for columns, some in zip(y.split(COLUMNS_AT_ONCE, 1), weight.split(COLUMNS_AT_ONCE), strict=True):
        products = torch.empty(3, *columns.shape)
        _multiply(products.view(3 * rows, -1), x.parts.view(3 * rows, -1), some, keep=False)
        total = products[2].add_(products[1]).add_(products[0])
        if keep:
            columns += total
        else:
            columns.copy_(total)
    return y


def _multiply(y: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, *, keep: bool) -> None:
    """Put x weightᵀ in y, or y + x weightᵀ: all as `add_product` has them, but x one matrix in bfloat16."""
    gemm = _gemm()
    assert gemm is not None
    assert weight.element_size() == 2  # the function is told addresses alone
    is_transposed = weight.stride(1) == 1
    assert is_transposed or weight.stride(0) == 1
    assert y.stride(1) == 1
    gemm(
        *(ROW_MAJOR, NOT_TRANSPOSED, TRANSPOSED if is_transposed else NOT_TRANSPOSED),
        *(y.shape[0], y.shape[1], x.shape[1]),
        *(1.0, x.data_ptr(), x.stride(0)),
        *(weight.data_ptr(), weight.stride(0 if is_transposed else 1)),
        *(1.0 if keep else 0.0, y.data_ptr(), y.stride(0)),
    )


@cache
def _gemm() -> Callable[..., Any] | None:
    """MKL's product of bfloat16 factors with float32 sums; None where torch's library does not show it."""
    import torch

    try:
        gemm = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so")).cblas_gemm_bf16bf16f32
    except (OSError, AttributeError):
        return None
    integer, real, address = ctypes.c_int, ctypes.c_float, ctypes.c_void_p
    gemm.argtypes = [*[integer] * 6, real, address, integer, address, integer, real, address, integer]
    gemm.restype = None
    return gemm
