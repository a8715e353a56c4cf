"""Attention over a packed micro-batch on a GPU: all runs of a row in one call of FlashAttention's kernel.

The kernel (Dao, 2023, arXiv:2307.08691) takes sequences of any length laid end to end, with as many queries as a run
has tokens, and as many keys as there are from the root of the prefix tree down to the run's end. A query sees the keys
up to its own, counted from the end of both:

    keys      above P       own l
    query 0   1 1 1 1       1 0 0
    query 1   1 1 1 1       1 1 0
    query 2   1 1 1 1       1 1 1

No score of a query and a key that it does not see is computed or stored, and nothing is padded. Only half precision
has such a kernel; elsewhere attention is computed in padded blocks (`attention.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from offbook.training.prefix_tree import Run, path

HALF = (torch.bfloat16, torch.float16)
MAX_HEAD_DIM = 256
AMPERE = (8, 0)
"""The first generation of GPUs that the kernel runs on."""


@dataclass(frozen=True, slots=True)
class RunLayout:
    """The runs of a micro-batch as sequences for the kernel, in the order of the row."""

    keys: torch.Tensor
    """(K,) int64: the tokens that are each run's keys, those above it and its own, run after run."""
    query_bounds: torch.Tensor
    """(n + 1,) int32: where each run's queries begin, and the last one's end."""
    key_bounds: torch.Tensor
    """(n + 1,) int32: where each run's keys begin in `keys`, and the last one's end."""
    longest_run: int
    """Tokens of the longest run, or more."""
    longest_context: int
    """Keys of the run that has the most, or more."""
    query_tokens: torch.Tensor | None = None
    """(Q,) int64: the tokens of the micro-batch whose results are wanted; None for all."""


def is_possible(dtype: torch.dtype, head_dim: int, device: torch.device) -> bool:
    """Whether the kernel computes attention between activations of this format, on this device."""
    if device.type != "cuda" or torch.version.hip is not None or dtype not in HALF:
        return False
    return head_dim <= MAX_HEAD_DIM and head_dim % 8 == 0 and torch.cuda.get_device_capability(device) >= AMPERE


def run_layout(runs: Sequence[Run], device: torch.device | str = "cpu") -> RunLayout:
    """Lay out a micro-batch whose row is made of these runs of a prefix tree, with a query for each token.

    Args:
        runs: the pieces of the row, in row order.
        device: where the layout's tensors are put.
    """
    spans = [[(runs[each].start, runs[each].end) for each in path(runs, index)] for index in range(len(runs))]
    keys = torch.cat([torch.arange(*span) for spans_of_run in spans for span in spans_of_run])
    contexts = [run.depth + run.length for run in runs]
    return RunLayout(
        keys.to(device),
        bounds([run.length for run in runs]).to(device),
        bounds(contexts).to(device),
        max(run.length for run in runs),
        max(contexts),
    )


def bounds(lengths: Sequence[int]) -> torch.Tensor:
    """(n + 1,) int32: where sequences of these lengths begin, laid end to end, and where the last one ends."""
    return torch.tensor(list(accumulate(lengths, initial=0)), dtype=torch.int32)


def kernel() -> Callable[..., torch.Tensor]:
    """Attention of torch's own over sequences of any length; its import takes two seconds, so it waits for a GPU."""
    from torch.nn.attention.varlen import varlen_attn

    return varlen_attn  # type: ignore[return-value]


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    layout: RunLayout,
    scaling: float,
    window: int | None,
) -> torch.Tensor:
    """Arguments and result as `offbook.training.attention.attend` has them."""
    wanted = layout.query_tokens
    if wanted is not None:
        query = query.new_zeros(len(key), *query.shape[1:]).index_copy(0, wanted, query)
    mixed = kernel()(
        query.contiguous(),
        _Gather.apply(key, layout.keys),
        _Gather.apply(value, layout.keys),
        layout.query_bounds,
        layout.key_bounds,
        layout.longest_run,
        layout.longest_context,
        scale=scaling,
        window_size=(-1 if window is None else window - 1, 0),
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return mixed if wanted is None else mixed.index_select(0, wanted)


class _Gather(torch.autograd.Function):
    """The tokens of an index; what several runs want of one token is added up in float32."""

    @staticmethod
    def forward(ctx: Any, tokens: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(index)
        ctx.shape = tokens.shape
        return tokens.index_select(0, index)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        (index,) = ctx.saved_tensors
        total = gradient.new_zeros(ctx.shape, dtype=torch.float32)
        return total.index_add_(0, index, gradient.float()).to(gradient.dtype), None
