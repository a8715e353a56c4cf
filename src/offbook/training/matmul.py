"""The matrix products of the backward pass and of the adapter.

torch gives a float32 product on a processor to MKL. oneDNN, which torch brings as well, is faster at the shapes of a
training step, up to three times at the adapter's (docs/decisions.md has the figures). But it adds each sum up in one
go, MKL in blocks. In a backward pass that does no harm; in the forward pass of thirty layers it takes the gradient from
6e-6 to 1.6e-5 off the exact one, so the layers' own forward products stay with MKL. The head's do too: oneDNN would
keep a second copy of its weight.

torch has no public name for oneDNN's product. Where it has none at all, and for all other devices and formats, these
are torch's own.
"""

from __future__ import annotations

import torch
from torch.nn.functional import linear

ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def product(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """x weightᵀ: x (n, k), weight (m, k) → (n, m). Not differentiable."""
    if _onednn_computes(x, weight):
        return torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")
    return linear(x, weight)


def add_product(y: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """y + x weightᵀ: y (n, m), x (n, k), weight (m, k) → (n, m), possibly in y's memory. Not differentiable."""
    if _onednn_computes(x, weight):
        return torch.ops.mkldnn._linear_pointwise.binary(x, y, weight, None, "add")
    return y.addmm_(x, weight.t())


def _onednn_computes(x: torch.Tensor, weight: torch.Tensor) -> bool:
    if not ONEDNN or x.device.type != "cpu" or not x.dtype == weight.dtype == torch.float32 or not x.numel():
        return False
    return weight.is_contiguous() or weight.t().is_contiguous()  # anything else it computes a thousand times slower
