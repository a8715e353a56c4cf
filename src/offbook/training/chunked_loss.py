"""The loss of the label positions, without ever holding their logits whole.

The head is the widest product of a small model (a vocabulary of 100,000 and more), and a persona's rows ask for a loss
at less than half of their positions. Only those are scored, a chunk at a time, and since the head is frozen, all that
the backward pass needs of a chunk is the gradient of its hidden states. It is computed at once, in the chunk's own
memory, and the logits are forgotten:

    z = h Wᵀ + b        loss = log Σ exp z − z[target]
    ∂loss/∂z = softmax z − onehot(target)        ∂loss/∂h = ∂loss/∂z · W

With a cap c on the logits, z' = c tanh(z / c) takes the place of z, and ∂z'/∂z = 1 − (z'/c)².
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.autograd.function import once_differentiable

CHUNK_BYTES = 128 << 20
"""Memory for one chunk's logits: the larger, the nearer its products run to the machine's full speed."""

ROWS_TOGETHER = 8
"""MKL computes rows beyond a multiple of this by another kernel, whose results are off by 5e-5 (its usual: 6e-7)."""

WIDENED_ROWS = 8192
"""Rows of a head kept in a narrower format that are widened at once."""


def loss_sum(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    targets: torch.Tensor,
    softcap: float | None = None,
) -> torch.Tensor:
    """Σ of the token losses, in nats, differentiable in `hidden`: (L, D), weight (V, D), bias (V,), targets (L,)."""
    return _LossSum.apply(hidden, weight, bias, targets, softcap)


@torch.no_grad()
def token_losses(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    targets: torch.Tensor,
    softcap: float | None = None,
) -> torch.Tensor:
    """The loss of each label, in nats, float32: (L,)."""
    parts = [
        _losses(_logits(_filled_up(hidden[rows]), weight, bias, softcap)[: len(targets[rows])].float(), targets[rows])
        for rows in _chunks(hidden, weight)
    ]
    return torch.cat(parts) if parts else hidden.new_zeros(0)


class _LossSum(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, bias: Any, targets: torch.Tensor, cap: Any
    ) -> Any:
        total = hidden.new_zeros((), dtype=torch.float32)
        gradient = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        for rows in _chunks(hidden, weight):
            count = len(targets[rows])
            logits = _logits(_filled_up(hidden[rows]), weight, bias, cap).float()
            if gradient is None:
                total += _losses(logits[:count], targets[rows]).sum()
                continue
            total += _overwrite(logits[:count], targets[rows], cap)
            logits[count:] = 0
            narrow = logits.to(hidden.dtype)
            pulled = hidden.new_zeros(len(narrow), hidden.shape[1])
            for part, wide in _slices(weight, hidden.dtype):
                pulled.addmm_(narrow[:, part], wide)
            gradient[rows] = pulled[:count]
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: torch.Tensor) -> Any:
        (gradient,) = ctx.saved_tensors
        return gradient * upstream.to(gradient.dtype), None, None, None, None


def _chunks(hidden: torch.Tensor, weight: torch.Tensor) -> Iterator[slice]:
    """Runs of rows, as equal as possible, whose float32 logits fit the chunk's memory."""
    most = max(1, CHUNK_BYTES // (4 * weight.shape[0]))
    count = -(-len(hidden) // most)
    for index in range(count):
        yield slice(index * len(hidden) // count, (index + 1) * len(hidden) // count)


def _filled_up(rows: torch.Tensor) -> torch.Tensor:
    """The rows with rows of zeros below, up to a multiple of ROWS_TOGETHER."""
    return torch.nn.functional.pad(rows, (0, 0, 0, -len(rows) % ROWS_TOGETHER))


def _slices(weight: torch.Tensor, dtype: torch.dtype) -> Iterator[tuple[slice, torch.Tensor]]:
    """The weight in the number format that is computed in; one kept in a narrower format is widened bit by bit."""
    size = len(weight) if weight.dtype == dtype else WIDENED_ROWS
    for start in range(0, len(weight), size):
        part = slice(start, start + size)
        yield part, weight[part].to(dtype)


def _logits(hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, cap: float | None) -> torch.Tensor:
    logits = hidden.new_empty(len(hidden), len(weight))
    for part, wide in _slices(weight, hidden.dtype):
        torch.mm(hidden, wide.t(), out=logits[:, part])
    if bias is not None:
        logits += bias
    return logits if cap is None else logits.div_(cap).tanh_().mul_(cap)


def _losses(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return logits.logsumexp(1) - logits.gather(1, targets[:, None])[:, 0]


def _overwrite(logits: torch.Tensor, targets: torch.Tensor, cap: float | None) -> torch.Tensor:
    """Put the gradient of the losses in place of float32 logits (n, V); returns the sum of the losses."""
    slope = None if cap is None else 1 - (logits / cap).square()
    said = logits.gather(1, targets[:, None])
    top = logits.amax(1, keepdim=True)
    mass = logits.sub_(top).exp_().sum(1, keepdim=True)
    logits.div_(mass).scatter_add_(1, targets[:, None], -torch.ones_like(said))
    if slope is not None:
        logits.mul_(slope)
    return (mass.log_() + top - said).sum()
