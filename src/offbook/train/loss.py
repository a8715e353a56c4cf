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

CHUNK_BYTES = 64 << 20
"""Memory for one chunk's logits."""


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
        _losses(_logits(hidden[rows], weight, bias, softcap).float(), targets[rows]) for rows in _chunks(hidden, weight)
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
            logits = _logits(hidden[rows], weight, bias, cap).float()
            total += _losses(logits, targets[rows]).sum()
            if gradient is not None:
                torch.mm(_to_gradient(logits, targets[rows], cap).to(weight.dtype), weight, out=gradient[rows])
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: torch.Tensor) -> Any:
        (gradient,) = ctx.saved_tensors
        return gradient * upstream.to(gradient.dtype), None, None, None, None


def _chunks(hidden: torch.Tensor, weight: torch.Tensor) -> Iterator[slice]:
    size = max(1, CHUNK_BYTES // (4 * weight.shape[0]))
    for start in range(0, len(hidden), size):
        yield slice(start, start + size)


def _logits(hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, cap: float | None) -> torch.Tensor:
    logits = torch.nn.functional.linear(hidden, weight, bias)
    return logits if cap is None else logits.div_(cap).tanh_().mul_(cap)


def _losses(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return logits.logsumexp(1) - logits.gather(1, targets[:, None])[:, 0]


def _to_gradient(logits: torch.Tensor, targets: torch.Tensor, cap: float | None) -> torch.Tensor:
    """Overwrite float32 logits (n, V) with the gradient of their losses."""
    slope = None if cap is None else 1 - (logits / cap).square()
    gradient = torch.softmax(logits, 1, out=logits)
    gradient[torch.arange(len(targets)), targets] -= 1
    return gradient if slope is None else gradient.mul_(slope)
