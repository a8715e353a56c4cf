"""Attention over a packed pass: each example sees the shared prefix and itself, and nothing else.

The examples of a pass are gathered into a few blocks of like length. Inside a block every query at position i of its
example may see the whole prefix and the keys at positions ≤ i, so one triangular mask serves all of them:

    keys      prefix P      own l
    query 0   1 1 1 1       1 0 0
    query 1   1 1 1 1       1 1 0
    query 2   1 1 1 1       1 1 1

Shorter examples are filled up at the end, where causality hides the filling from every real query. Nothing of one
example enters another's numbers, so they are bit-identical whatever stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface

NAME = "offbook"
"""The name under which transformers knows this attention."""

WASTE = 0.15
"""The share of a block that may be filling before a new block is begun."""


@dataclass(frozen=True, slots=True)
class Block:
    """Examples of like length that are computed together."""

    keys: torch.Tensor
    """(b, P + l): row positions of each example's keys: the prefix, its own tokens, filling."""
    queries: torch.Tensor
    """(b, q): row positions of the queries; without a choice of queries, the example's own l tokens."""
    offsets: torch.Tensor
    """(b or 1, q): the position of each query in its example, counted from the prefix's start."""
    real: torch.Tensor
    """(n,): which of the b · q queries are not filling, as flat indices."""
    outputs: torch.Tensor
    """(n,): where their results belong among all queries of the pass."""


@dataclass(frozen=True, slots=True)
class Segments:
    """Who sees whom in a pass."""

    blocks: tuple[Block, ...]
    queries: int
    """How many queries there are in all."""


def segments(prefix: int, lengths: Sequence[int], device: torch.device | str = "cpu") -> Segments:
    """The blocks of a pass in which `prefix` tokens are followed by examples of these lengths."""
    blocks = []
    if prefix:
        blocks.append(_block([0], [prefix], 0, device))
    starts = [prefix + sum(lengths[:index]) for index in range(len(lengths))]
    for members in _alike(lengths):
        blocks.append(_block([starts[i] for i in members], [lengths[i] for i in members], prefix, device))
    return Segments(tuple(blocks), prefix + sum(lengths))


def _alike(lengths: Sequence[int]) -> list[list[int]]:
    """Indices of the examples, cut into runs of like length."""
    runs: list[list[int]] = []
    filled = tokens = 0
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        filled, tokens = filled + (lengths[runs[-1][0]] if runs else 0), tokens + lengths[index]
        if not runs or filled - tokens > WASTE * filled:
            runs.append([])
            filled = tokens = lengths[index]
        runs[-1].append(index)
    return runs


def _block(starts: Sequence[int], lengths: Sequence[int], prefix: int, device: torch.device | str) -> Block:
    longest = max(lengths)
    own = torch.tensor(starts)[:, None] + torch.arange(longest).clamp(max=torch.tensor(lengths)[:, None] - 1)
    shared = torch.arange(prefix).expand(len(starts), prefix)
    inside = torch.arange(longest) < torch.tensor(lengths)[:, None]
    return Block(
        keys=torch.cat([shared, own], 1).to(device),
        queries=own.to(device),
        offsets=(prefix + torch.arange(longest))[None].to(device),
        real=inside.flatten().nonzero().flatten().to(device),
        outputs=own[inside].to(device),
    )


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    who: Segments,
    *,
    scaling: float,
    window: int | None = None,
) -> torch.Tensor:
    """Attention of a pass: query (H, Q, d), key and value (G, T, d) with H a multiple of G → (Q, H, d).

    `window`: a query sees only keys at most `window − 1` positions back (sliding-window attention).
    """
    result = query.new_empty(who.queries, query.shape[0], query.shape[2])
    repeat = query.shape[0] // key.shape[0]
    for block in who.blocks:
        far = torch.arange(block.keys.shape[1], device=query.device)
        seen = far <= block.offsets[:, :, None]
        if window is not None:
            seen = seen & (far > block.offsets[:, :, None] - window)
        mixed = scaled_dot_product_attention(
            query[:, block.queries].transpose(0, 1),
            key[:, block.keys].transpose(0, 1).repeat_interleave(repeat, 1),
            value[:, block.keys].transpose(0, 1).repeat_interleave(repeat, 1),
            attn_mask=seen[:, None],
            scale=scaling,
        )  # (b, H, q, d)
        rows = mixed.transpose(1, 2).flatten(0, 1)[block.real]
        result = result.index_copy(0, block.outputs, rows)
    return result


def attention_forward(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    softcap: float | None = None,
    segments: Segments | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """What transformers calls: tensors (1, heads, T, d) → (1, T, heads, d).

    Raises:
        RuntimeError: the call names no segments (every token would see every earlier one), or asks for something
            that this attention does not compute.
    """
    if segments is None:
        raise RuntimeError(
            "this model is set up for packed training; use offbook.train.forward.plain() around the call"
        )
    if dropout or softcap is not None:
        raise RuntimeError("packed attention has neither dropout nor a cap on its scores")
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    return attend(query[0], key[0], value[0], segments, scaling=scale, window=sliding_window)[None], None


def no_mask(*args: Any, **kwargs: Any) -> None:
    """The mask of a packed pass is its segments; transformers need not build one."""


AttentionInterface.register(NAME, attention_forward)
AttentionMaskInterface.register(NAME, no_mask)
