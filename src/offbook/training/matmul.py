"""The matrix products of training: in float32, and in bfloat16 between float32 activations.

torch gives a float32 product on a processor to MKL. oneDNN, which torch brings as well, is faster where the result has
few columns, up to three times at the adapter's; with AVX-512 it is faster at all shapes of a backward pass, without it
slower at the large ones, down to half. With matrix units, which only Intel's processors have, MKL is faster at all of
them, up to twice (docs/decisions.md has the figures). Which one computes follows from the shape
and the processor's instructions alone, so a run that is repeated gets the same bits. oneDNN adds each sum up in one
go, MKL in blocks. In a backward pass that does no harm; in the forward pass of thirty layers it takes the gradient from
6e-6 to 1.6e-5 off the exact one, so the layers' own forward products stay with MKL. The head's do too: oneDNN would
keep a second copy of its weight.

torch has no public name for oneDNN's product. Where it has none at all, and for all other devices and formats, these
are torch's own.

A frozen layer may also say that its product is computed in bfloat16 (`train.compute`): both factors are rounded to
bfloat16, the sums are taken in float32 by the processor, and the result is upcast at once. Processors with AVX512_BF16
or AMX do that at twice the rate of float32 and more; others compute the same from rounded factors in float32. A layer
whose weight is stored in bfloat16 and whose product is computed in float32 splits its input on a processor with matrix
units (`core/bfloat16x3.py`): that is as exact as float32, and faster.
"""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch.nn.functional import linear

from offbook.core import bfloat16x3
from offbook.core.bfloat16 import bfloat16_linear
from offbook.core.bfloat16x3 import Pieces

Factor: TypeAlias = torch.Tensor | Pieces
"""Activations (n, k) as a product with a frozen weight takes them."""

ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")

AVX512 = torch.backends.cpu.get_cpu_capability() == "AVX512"

FEW_COLUMNS = 32
"""Columns of a result up to which oneDNN is the faster one on processors without AVX-512, too."""

MATRIX_UNITS = torch.cpu._is_amx_tile_supported()
"""Whether MKL is the faster one everywhere."""


def product(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The product x weightᵀ: x (n, k), weight (m, k) → (n, m). Not differentiable."""
    if _onednn_computes(x, weight):
        return torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")
    return linear(x, weight)


def add_product(y: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The sum y + x weightᵀ: y (n, m), x (n, k), weight (m, k) → (n, m), possibly in y's memory. Not differentiable."""
    if _onednn_computes(x, weight):
        return torch.ops.mkldnn._linear_pointwise.binary(x, y, weight, None, "add")
    return y.addmm_(x, weight.t())


def factor(x: torch.Tensor, weight: torch.Tensor, compute: torch.dtype) -> Factor:
    """Activations x (n, k) as the factor of a product with a frozen weight that is computed in `compute`."""
    is_split = compute == torch.float32 and weight.dtype == torch.bfloat16
    return Pieces(x) if is_split else x.to(compute)


def frozen_product(
    x: Factor, weight: torch.Tensor, bias: torch.Tensor | None, activations: torch.dtype
) -> torch.Tensor:
    """The product x weightᵀ + bias with a frozen weight, computed in the format of x.

    Args:
        x: (n, k), what `factor` gives.
        weight: (m, k), in the format that the layer computes in, or in bfloat16 where x is in pieces.
        bias: (m,) or None.
        activations: format of the result.

    Returns:
        (n, m).
    """
    if isinstance(x, Pieces):
        y = bfloat16x3.product(x, weight)
    elif x.dtype == activations:
        return linear(x, weight, bias)
    else:
        y = bfloat16_linear(x, weight).to(activations)
    return y if bias is None else y.add_(bias)


def frozen_product_gradient(
    gradient: torch.Tensor | None, dy: torch.Tensor, weight: torch.Tensor, compute: torch.dtype
) -> torch.Tensor:
    """Gradient of `frozen_product` in its activations: dy weight, added to `gradient` if there is one.

    Args:
        gradient: (n, k) or None; possibly overwritten.
        dy: (n, m).
        weight: (m, k), as `frozen_product` had it.
        compute: the format that the layer computes in.

    Returns:
        (n, k), in the format of dy.
    """
    transposed = weight.t()
    taken = factor(dy, weight, compute)
    if isinstance(taken, Pieces):
        if gradient is None:
            return bfloat16x3.product(taken, transposed)
        return bfloat16x3.add_product(gradient, taken, transposed)
    if compute != dy.dtype:
        added = bfloat16_linear(taken, transposed)
        return added.to(dy.dtype) if gradient is None else gradient.add_(added)
    return product(dy, transposed) if gradient is None else add_product(gradient, dy, transposed)


def _onednn_computes(x: torch.Tensor, weight: torch.Tensor) -> bool:
    if (
        not ONEDNN
        or MATRIX_UNITS
        or x.device.type != "cpu"
        or not x.dtype == weight.dtype == torch.float32
        or not x.numel()
    ):
        return False
    if not AVX512 and weight.shape[0] > FEW_COLUMNS:
        return False
    return weight.is_contiguous() or weight.t().is_contiguous()  # anything else it computes a thousand times slower
