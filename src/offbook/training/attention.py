"""Attention over a packed pass: each example sees the shared prefix and itself, and nothing else.

The examples of a pass are gathered into a few blocks of like length. In a block, a query at position i of its
example sees the keys at positions ≤ i of that example: the prefix and its own past.

    keys      prefix P      own l
    query 0   1 1 1 1       1 0 0
    query 1   1 1 1 1       1 1 0
    query 2   1 1 1 1       1 1 1

Shorter examples are filled up at the end, where causality hides the filling from every real query. Nothing of one
example enters the numbers of another, so they stay bit-identical whatever stands beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from torch.nn.utils.rnn import pad_sequence
from transformers import AttentionInterface, AttentionMaskInterface

NAME = "offbook"
"""The name under which transformers knows this attention."""

WASTE = 0.15
"""The share of a block that may be filling; above it, a new block is begun."""


@dataclass(frozen=True, slots=True)
class PaddedBlock:
    """b examples that are computed together."""

    keys: torch.Tensor
    """(b, P + l): which tokens of the pass are each example's keys: the prefix, its own, filling."""
    queries: torch.Tensor
    """(b, q): which queries of the pass are the example's own, and filling."""
    positions: torch.Tensor
    """(b, q): where each query stands in its example, the prefix counted."""

    def seen(self, window: int | None) -> torch.Tensor:
        """(b, 1, q, P + l): what each query may see; with a window, at most `window − 1` positions back."""
        here = self.positions[:, None, :, None]
        there = torch.arange(self.keys.shape[1], device=self.keys.device)
        return there <= here if window is None else (there <= here) & (there > here - window)


@dataclass(frozen=True, slots=True)
class AttentionLayout:
    """Who sees whom in a pass."""

    blocks: tuple[PaddedBlock, ...]
    order: torch.Tensor
    """(Q,): where each query finds its result among the b · q results of all blocks, laid end to end."""
    rows: torch.Tensor | None
    """(Q,): the tokens of the pass that have a query; None means all of them."""


def segments(
    prefix: int, lengths: Sequence[int], rows: torch.Tensor | None = None, device: torch.device | str = "cpu"
) -> AttentionLayout:
    """Who sees whom when `prefix` tokens are followed by examples of these lengths.

    `rows` (ascending, none inside the prefix) are the tokens that ask; without it every token does.
    """
    asking = torch.arange(prefix + sum(lengths)) if rows is None else rows.cpu()
    spans, start = [], prefix
    for length in lengths:
        spans.append((start, start + length))
        start += length
    parts = [(prefix, [spans[index] for index in members]) for members in _alike(lengths)]
    if prefix and rows is None:
        parts.insert(0, (0, [(0, prefix)]))
    blocks, order, done = [], torch.empty_like(asking), 0
    for shared, members in parts:
        block, own = _block(shared, members, asking)
        order[block.queries[own]] = done + own.flatten().nonzero().flatten()
        blocks.append(PaddedBlock(block.keys.to(device), block.queries.to(device), block.positions.to(device)))
        done += own.numel()
    return AttentionLayout(tuple(blocks), order.to(device), rows)


def _alike(lengths: Sequence[int]) -> list[list[int]]:
    """Indices of the examples, longest first, cut into runs of like length."""
    runs: list[list[int]] = []
    tokens = 0
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        tokens += lengths[index]
        if not runs or tokens < (1 - WASTE) * lengths[runs[-1][0]] * (len(runs[-1]) + 1):
            runs.append([])
            tokens = lengths[index]
        runs[-1].append(index)
    return runs


def _block(shared: int, spans: Sequence[tuple[int, int]], asking: torch.Tensor) -> tuple[PaddedBlock, torch.Tensor]:
    """The block of these spans of tokens, and (b, q) which of its queries are real."""
    own = pad_sequence([torch.arange(start, end) for start, end in spans], batch_first=True)
    keys = torch.cat([torch.arange(shared).expand(len(spans), shared), own], 1)
    asked = torch.searchsorted(asking, torch.tensor(spans))  # each span's queries are neighbours: (b, 2)
    count = asked[:, 1] - asked[:, 0]
    queries = pad_sequence([torch.arange(first, last) for first, last in asked.tolist()], batch_first=True)
    starts = torch.tensor([start for start, _ in spans])
    positions = (shared + asking[queries] - starts[:, None]).clamp(min=0)
    return PaddedBlock(keys, queries, positions), torch.arange(queries.shape[1]) < count[:, None]


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    who: AttentionLayout,
    *,
    scaling: float,
    window: int | None = None,
) -> torch.Tensor:
    """Attention of a pass: query (Q, H, d), key and value (T, G, d) with H a multiple of G → (Q, H, d)."""
    results = []
    for block in who.blocks:
        asks, keys, values = (
            _gather(tensor, index) for tensor, index in ((query, block.queries), (key, block.keys), (value, block.keys))
        )
        mixed = _sdpa(asks, keys, values, block.seen(window), scaling)
        results.append(mixed.transpose(1, 2).flatten(0, 1))
    return torch.cat(results).index_select(0, who.order)


def _gather(tokens: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """(T, H, d), (b, l) → (b, H, l, d). index_select, because its gradient is a plain sum of rows."""
    return tokens.index_select(0, index.flatten()).unflatten(0, index.shape).transpose(1, 2)


def _sdpa(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, seen: torch.Tensor, scaling: float
) -> torch.Tensor:
    grouped = query.shape[1] != key.shape[1]
    if grouped and query.device.type != "cpu":  # with a mask, no GPU kernel takes grouped keys
        repeat = query.shape[1] // key.shape[1]
        key, value, grouped = key.repeat_interleave(repeat, 1), value.repeat_interleave(repeat, 1), False
    return scaled_dot_product_attention(query, key, value, attn_mask=seen, scale=scaling, enable_gqa=grouped)


def attention_forward(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    segments: AttentionLayout | None = None,
    windows: dict[torch.nn.Module, int | None] | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """What transformers calls: tensors (1, heads, T, d) → (1, T, heads, d). `windows` takes down each module's window.
    Attention is not dropped out, whatever the model's config says; `forward.install` tells.

    Raises:
        RuntimeError: the call names no segments, so that every token would see every earlier one; or it asks for
            something that this attention does not compute.
    """
    if segments is None:
        raise RuntimeError(
            "this model is set up for packed passes: call it inside offbook.training.fast_path.plain(model)"
        )
    if softcap is not None:
        raise RuntimeError("packed attention computes no cap on its scores")
    if windows is not None:
        windows[module] = sliding_window
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    query, key, value = (tensor[0].transpose(0, 1) for tensor in (query, key, value))
    return attend(query, key, value, segments, scaling=scale, window=sliding_window)[None], None


def no_mask(*args: Any, **kwargs: Any) -> None:
    """A packed pass is masked by its segments; transformers need not build a mask, and must not take another's."""


AttentionInterface.register(NAME, attention_forward)
AttentionMaskInterface.register(NAME, no_mask)
