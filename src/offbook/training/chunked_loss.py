"""The loss of the label positions, without ever holding their logits whole.

The output layer is the widest product of a small model (a vocabulary of 100,000 and more), and a character's rows take
a loss at less than half of their positions. Only those are scored, a chunk at a time, and since the output layer is
frozen, all that the backward pass needs of a chunk is the gradient of its hidden states. It is computed at once, in the
chunk's own memory, and the logits are dropped:

    z = h Wᵀ + b        loss = log Σ exp z − z[target]
    ∂loss/∂z = softmax z − onehot(target)        ∂loss/∂h = ∂loss/∂z · W

With a cap c on the logits, z' = c tanh(z / c) takes the place of z, and ∂z'/∂z = 1 − (z'/c)².
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from offbook.core import bfloat16x3
from offbook.core.bfloat16 import has_instructions, rounded_factors
from offbook.core.bfloat16x3 import Pieces
from offbook.core.types import NO_LABEL

CHUNK_BYTES = 128 << 20
"""Bytes for one chunk's float32 logits: the larger, the nearer its products run to the machine's full speed."""

ROW_MULTIPLE = 8
"""MKL computes rows beyond a multiple of this by another kernel, whose results are off by 5e-5 (its usual: 6e-7)."""

UPCAST_ROWS = 8192
"""Rows of an output layer stored in a narrower format that are upcast at once."""


def loss_sum(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    targets: torch.Tensor,
    softcap: float | None = None,
    compute: torch.dtype | None = None,
) -> torch.Tensor:
    """Sum of the cross-entropy losses of L label positions, in nats; differentiable in `hidden` alone.

    Args:
        hidden: (L, D), the final hidden states.
        weight: (V, D), the frozen output layer; a narrower format than `hidden`'s is upcast piece by piece.
        bias: (V,) or None.
        targets: (L,) int64; the loss of a position whose target is `NO_LABEL` is zero.
        softcap: cap on the logits (Gemma 2, arXiv:2408.00118), None for none.
        compute: format in which the products with `weight` are computed; None for that of `hidden`. The logits
            themselves are never rounded to less than the format of `hidden`, since a loss is a small difference of
            large ones: they are computed in bfloat16 only where that rounds their factors alone (`rounded_factors`).

    Returns:
        A float32 scalar.
    """
    return _LossSum.apply(hidden, weight, bias, targets, softcap, compute or hidden.dtype)


@torch.no_grad()
def token_losses(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    targets: torch.Tensor,
    softcap: float | None = None,
    compute: torch.dtype | None = None,
) -> torch.Tensor:
    """The cross-entropy loss of each label position, in nats, float32: (L,). Arguments as for `loss_sum`."""
    parts = [
        _losses(
            _logits(_pad_rows(hidden[rows]), weight, bias, softcap, hidden.dtype)[: len(targets[rows])].float(),
            targets[rows],
        )
        for rows in _chunks(hidden, weight)
    ]
    return torch.cat(parts) if parts else hidden.new_zeros(0)


class _LossSum(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, bias: Any, targets: torch.Tensor, cap: Any, compute: Any
    ) -> Any:
        total = hidden.new_zeros((), dtype=torch.float32)
        gradient = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        for rows in _chunks(hidden, weight):
            count = len(targets[rows])
            logits = _logits(_pad_rows(hidden[rows]), weight, bias, cap, compute).float()
            if gradient is None:
                total += _losses(logits[:count], targets[rows]).sum()
                continue
            total += _logits_to_grad_(logits[:count], targets[rows], cap)
            logits[count:] = 0
            gradient[rows] = _gradient_of_hidden(logits.to(compute), weight, hidden.dtype)[:count]
        if gradient is not None:
            gradient *= (targets != NO_LABEL)[:, None]
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: torch.Tensor) -> Any:
        (gradient,) = ctx.saved_tensors
        return gradient * upstream.to(gradient.dtype), None, None, None, None, None


def _chunks(hidden: torch.Tensor, weight: torch.Tensor) -> Iterator[slice]:
    """Slices of rows, as equal as possible, whose float32 logits fit CHUNK_BYTES."""
    most = max(1, CHUNK_BYTES // (4 * weight.shape[0]))
    count = -(-len(hidden) // most)
    for index in range(count):
        yield slice(index * len(hidden) // count, (index + 1) * len(hidden) // count)


def _pad_rows(rows: torch.Tensor) -> torch.Tensor:
    """Append rows of zeros up to a multiple of ROW_MULTIPLE."""
    return torch.nn.functional.pad(rows, (0, 0, 0, -len(rows) % ROW_MULTIPLE))


def _slices(weight: torch.Tensor, dtype: torch.dtype) -> Iterator[tuple[slice, torch.Tensor]]:
    """The weight in the compute format: whole, or slice by slice where it is stored in a narrower one and upcast."""
    size = len(weight) if weight.dtype == dtype else UPCAST_ROWS
    for start in range(0, len(weight), size):
        part = slice(start, start + size)
        yield part, weight[part].to(dtype)


def _logits(
    hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, cap: float | None, compute: torch.dtype
) -> torch.Tensor:
    logits = hidden.new_empty(len(hidden), len(weight))
    rounds = compute == torch.bfloat16 and hidden.dtype == torch.float32
    if not rounds and _is_split(hidden, weight):
        bfloat16x3.add_product(logits, Pieces(hidden), weight, keep=False)
    else:
        with rounded_factors(hidden.device) if rounds else nullcontext():
            for part, wide in _slices(weight, hidden.dtype):
                torch.mm(hidden, wide.t(), out=logits[:, part])
    if bias is not None:
        logits += bias
    return logits if cap is None else logits.div_(cap).tanh_().mul_(cap)


def _gradient_of_hidden(gradient: torch.Tensor, weight: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The gradient of the hidden states (n, D) in `dtype`, from the logits' (n, V) in the format to compute in."""
    if gradient.dtype == weight.dtype != dtype:
        if has_instructions(gradient.device):
            return torch.mm(gradient, weight).to(dtype)
        gradient = gradient.float()  # of numbers that are rounded already: the same products, at float32's speed
    total = gradient.new_zeros(len(gradient), weight.shape[1])
    if _is_split(gradient, weight):
        for columns, part in zip(gradient.split(UPCAST_ROWS, 1), weight.split(UPCAST_ROWS), strict=True):
            bfloat16x3.add_product(total, Pieces(columns), part.t())
    else:
        for rows, wide in _slices(weight, gradient.dtype):
            total.addmm_(gradient[:, rows], wide)
    return total.to(dtype)


def _is_split(x: torch.Tensor, weight: torch.Tensor) -> bool:
    """Whether a float32 product with the weight is computed from pieces of x, not from the upcast weight."""
    formats = (x.dtype, weight.dtype)
    return formats == (torch.float32, torch.bfloat16) and bfloat16x3.computes(x.device)


def _losses(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    losses = logits.logsumexp(1) - logits.gather(1, targets.clamp(min=0)[:, None])[:, 0]
    return losses.masked_fill_(targets == NO_LABEL, 0.0)


def _logits_to_grad_(logits: torch.Tensor, targets: torch.Tensor, cap: float | None) -> torch.Tensor:
    """Overwrite float32 logits (n, V) with the gradient of the losses; returns the sum of the losses."""
    slope = None if cap is None else 1 - (logits / cap).square()
    index = targets.clamp(min=0)[:, None]
    target_logits = logits.gather(1, index)
    top = logits.amax(1, keepdim=True)
    mass = logits.sub_(top).exp_().sum(1, keepdim=True)
    logits.div_(mass).scatter_add_(1, index, -torch.ones_like(target_logits))
    if slope is not None:
        logits.mul_(slope)
    return (mass.log_() + top - target_logits)[:, 0].masked_fill_(targets == NO_LABEL, 0.0).sum()
