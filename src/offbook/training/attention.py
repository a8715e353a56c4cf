"""Attention over a packed micro-batch: each run of tokens sees those above it in the prefix tree, and itself.

The runs of a micro-batch are gathered into a few blocks of similar length, each with the keys of all runs from the root
down to it. In a block, a query at position i of its example sees the keys at positions ≤ i of that example.

    keys      above P       own l
    query 0   1 1 1 1       1 0 0
    query 1   1 1 1 1       1 1 0
    query 2   1 1 1 1       1 1 1

Shorter runs are padded at the end, where causality hides the padding from every real query. Nothing of one example
enters the numbers of another, so they stay bit-identical whatever stands beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import torch
from torch.nn.functional import scaled_dot_product_attention
from torch.nn.utils.rnn import pad_sequence
from transformers import AttentionInterface, AttentionMaskInterface

from offbook.training import flash_attention
from offbook.training.flash_attention import RunLayout
from offbook.training.prefix_tree import Run, path

NAME = "offbook"
"""The name under which this attention is registered with transformers."""

MAX_PADDING = 0.15
"""The largest share of a block that may be padding; above it, a new block is begun."""


class MissingLayout(RuntimeError):
    """A model whose fast path is enabled was called without an attention layout."""

    def __init__(self) -> None:
        super().__init__(
            "this model is set up for packed micro-batches: "
            "call it inside offbook.training.fast_path.fast_path_disabled(model)"
        )


@dataclass(frozen=True, slots=True)
class PaddedBlock:
    """b runs of similar length that are computed together; q queries and P + l keys each, padding included."""

    positions: torch.Tensor
    """(b, q) int64: the position of each query in its example."""
    width: int
    """P + l, the keys of each run: those above it, its own, padding."""

    def mask(self, window: int | None) -> torch.Tensor:
        """The boolean attention mask (b, 1, q, P + l): True where a query sees a key.

        Args:
            window: sliding window in tokens: a query sees at most `window − 1` positions back; None for no limit.
        """
        query = self.positions[:, None, :, None]
        key = torch.arange(self.width, device=self.positions.device)
        return key <= query if window is None else (key <= query) & (key > query - window)


@dataclass(frozen=True, slots=True)
class AttentionLayout:
    """Which tokens of a micro-batch attend to which: blocks of runs, and the ways there and back.

    All blocks are gathered at once, laid end to end: one by one, the gradient of each would be as large as that of the
    whole micro-batch.
    """

    blocks: tuple[PaddedBlock, ...]
    queries: torch.Tensor
    """(Σ b · q,) int64: which of the micro-batch's queries each of the blocks' is; padding repeats one."""
    keys: torch.Tensor
    """(Σ b · (P + l),) int64: which token each of the blocks' keys is of; padding repeats one."""
    order: torch.Tensor
    """(Q,) int64: where the result of each query stands among those of the blocks."""
    query_tokens: torch.Tensor | None
    """(Q,) int64: the tokens of the micro-batch that have a query; None if all T tokens do (Q = T)."""


Layout: TypeAlias = AttentionLayout | RunLayout
"""How the attention of a micro-batch is computed: in padded blocks, or by the kernel of GPUs."""


def attention_layout(
    runs: Sequence[Run], query_tokens: torch.Tensor | None = None, device: torch.device | str = "cpu"
) -> AttentionLayout:
    """Lay out a micro-batch whose row is made of these runs of a prefix tree.

    Args:
        runs: the pieces of the row, in row order.
        query_tokens: (Q,) the tokens that have a query, ascending; None for all tokens.
        device: where the layout's tensors are put.
    """
    queries = torch.arange(runs[-1].end) if query_tokens is None else query_tokens.cpu()
    bounds = torch.searchsorted(queries, torch.tensor([(run.start, run.end) for run in runs])).tolist()
    with_queries = [index for index, (first, last) in enumerate(bounds) if last > first]
    blocks: list[PaddedBlock] = []
    gathered: list[tuple[torch.Tensor, torch.Tensor]] = []
    order, offset = torch.empty_like(queries), 0
    for members in _similar(runs, with_queries):
        keys, indices, positions, is_real = _block(runs, members, bounds, queries)
        order[indices[is_real]] = offset + is_real.flatten().nonzero().flatten()
        blocks.append(PaddedBlock(positions.to(device), keys.shape[1]))
        gathered.append((indices.flatten(), keys.flatten()))
        offset += is_real.numel()
    index, key_index = (torch.cat(parts).to(device) for parts in zip(*gathered, strict=True))
    wanted = None if query_tokens is None else query_tokens.to(device)
    return AttentionLayout(tuple(blocks), index, key_index, order.to(device), wanted)


def _similar(runs: Sequence[Run], members: Sequence[int]) -> list[list[int]]:
    """Group the indices of runs, longest first, so that padding stays below MAX_PADDING of queries and of keys."""
    groups: list[list[int]] = []
    most = tokens = keys = 0
    for index in sorted(members, key=lambda index: (-runs[index].depth - runs[index].length, -runs[index].length)):
        run = runs[index]
        most, tokens, keys = max(most, run.length), tokens + run.length, keys + run.depth + run.length
        full = (1 - MAX_PADDING) * (len(groups[-1]) + 1) if groups else 0.0
        if not groups or tokens < full * most or keys < full * (runs[groups[-1][0]].depth + runs[groups[-1][0]].length):
            groups.append([])
            most, tokens, keys = run.length, run.length, run.depth + run.length
        groups[-1].append(index)
    return groups


def _block(
    runs: Sequence[Run], members: Sequence[int], bounds: Sequence[Sequence[int]], queries: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """The tokens of these runs' keys (b, P + l), the indices and positions of their queries, which are real (b, q)."""
    spans = [[torch.arange(runs[each].start, runs[each].end) for each in path(runs, member)] for member in members]
    keys = pad_sequence([torch.cat(parts) for parts in spans], batch_first=True)
    indices = pad_sequence([torch.arange(*bounds[member]) for member in members], batch_first=True)
    # Where position 0 of each run's example would stand, were its runs beside each other.
    origins = torch.tensor([runs[member].start - runs[member].depth for member in members])
    count = torch.tensor([bounds[member][1] - bounds[member][0] for member in members])
    positions = (queries[indices] - origins[:, None]).clamp(min=0)
    return keys, indices, positions, torch.arange(indices.shape[1]) < count[:, None]


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    layout: Layout,
    *,
    scaling: float,
    window: int | None = None,
) -> torch.Tensor:
    """Scaled dot-product attention of a packed micro-batch (Vaswani et al., 2017, arXiv:1706.03762).

    Args:
        query: (Q, H, d), rotated.
        key: (T, G, d), rotated; H is a multiple of G (grouped-query attention, arXiv:2305.13245).
        value: (T, G, d).
        layout: which query sees which keys.
        scaling: factor of the scores, usually d^-0.5.
        window: sliding window in tokens, None for none.

    Returns:
        (Q, H, d), in the order of the queries.
    """
    return in_order(attend_in_blocks(query, key, value, layout, scaling=scaling, window=window), layout)


def attend_in_blocks(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    layout: Layout,
    *,
    scaling: float,
    window: int | None = None,
) -> list[torch.Tensor]:
    """As `attend`, but a tensor (b · q, H, d) for each block of the layout, which autograd keeps anyway."""
    if isinstance(layout, RunLayout):
        return [flash_attention.attend(query, key, value, layout, scaling, window)]
    queries = _gather(query, layout.queries, [tuple(block.positions.shape) for block in layout.blocks])
    shapes = [(len(block.positions), block.width) for block in layout.blocks]
    keys, values = _gather(key, layout.keys, shapes), _gather(value, layout.keys, shapes)
    results = []
    for block, q, k, v in zip(layout.blocks, queries, keys, values, strict=True):
        mixed = _sdpa(q, k, v, block.mask(window), scaling)
        results.append(mixed.transpose(1, 2).flatten(0, 1))
    return results


def in_order(blocks: Sequence[torch.Tensor], layout: Layout) -> torch.Tensor:
    """The results of a layout's blocks as (Q, H, d), in the order of the queries."""
    return blocks[0] if isinstance(layout, RunLayout) else torch.cat(list(blocks)).index_select(0, layout.order)


def _gather(tokens: torch.Tensor, index: torch.Tensor, shapes: Sequence[tuple[int, ...]]) -> list[torch.Tensor]:
    """(T, H, d), (Σ b · l,) → a tensor (b, H, l, d) for each block's (b, l).

    index_select, because its gradient is a plain sum of rows.
    """
    parts = tokens.index_select(0, index).split([prod(shape) for shape in shapes])
    return [part.unflatten(0, shape).transpose(1, 2) for part, shape in zip(parts, shapes, strict=True)]


def _sdpa(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor, scaling: float
) -> torch.Tensor:
    dtype = query.dtype
    if query.device.type == "cpu" and dtype.itemsize < 4:  # exacter, and short rows take half of the time
        query, key, value = query.float(), key.float(), value.float()
    grouped = query.shape[1] != key.shape[1]
    if grouped and query.device.type != "cpu":  # with a mask, no GPU kernel takes grouped keys
        repeat = query.shape[1] // key.shape[1]
        key, value, grouped = key.repeat_interleave(repeat, 1), value.repeat_interleave(repeat, 1), False
    return scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scaling, enable_gqa=grouped).to(dtype)


def attention_forward(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    layout: Layout | None = None,
    windows: dict[torch.nn.Module, int | None] | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attention function in the form that transformers' `AttentionInterface` calls.

    Attention weights are not dropped out, whatever the model's config says; `fast_path.enable` notes it.

    Args:
        module: the attention module that calls.
        query: (1, H, T, d).
        key: (1, G, T, d).
        value: (1, G, T, d).
        attention_mask: ignored.
        scaling: factor of the scores; None for d^-0.5.
        sliding_window: in tokens.
        softcap: refused.
        layout: the micro-batch's layout, handed through the model's keyword arguments.
        windows: filled with each module's sliding window, if given.

    Returns:
        (1, T, H, d), and None for the attention weights.

    Raises:
        MissingLayout: the call has no layout, so that every token would see every earlier one.
        RuntimeError: the call asks for a cap on the scores, which is not computed here.
    """
    if layout is None:
        raise MissingLayout
    if softcap is not None:
        raise RuntimeError("packed attention computes no cap on its scores")
    if windows is not None:
        windows[module] = sliding_window
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    query, key, value = (tensor[0].transpose(0, 1) for tensor in (query, key, value))
    return attend(query, key, value, layout, scaling=scale, window=sliding_window)[None], None


def no_mask(*_args: Any, **_kwargs: Any) -> None:
    """Mask function for transformers: builds none, because a packed micro-batch is masked by its layout."""


AttentionInterface.register(NAME, attention_forward)
AttentionMaskInterface.register(NAME, no_mask)
