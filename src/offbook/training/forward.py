"""The forward pass of one micro-batch, with the parts of the fast path that a `FastPath` names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from offbook.training.architecture import decoder_of, logit_factor
from offbook.training.attention import attention_layout
from offbook.training.packing import MicroBatch
from offbook.training.prefix_tree import path

Forward = Callable[..., torch.Tensor]
"""The model, or all of it but the output layer: keyword inputs → one row for each token."""


@dataclass(frozen=True, slots=True)
class FastPath:
    """Which parts of the fast path compute a model."""

    packing: bool = True
    """Several examples in a row of tokens; else they are computed one by one, by the model's own code."""
    fused: bool = True
    """Decoder layers and LoRA as written in this package; else as in transformers and peft. Needs `packing`."""
    head: bool = True
    """Logits for label positions only, a chunk at a time."""


def score(
    base: Any,
    path: FastPath,
    batch: MicroBatch,
    from_hidden: Callable[..., torch.Tensor],
    from_losses: Callable[[torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """Score the labels of a micro-batch.

    Args:
        base: the transformers causal language model, adapter inside, patched for `path`.
        path: which parts of the fast path compute it.
        batch: the micro-batch.
        from_hidden: scores from final hidden states (L, D), output weight, bias, targets, cap on the logits and
            compute format, where `path.head`.
        from_losses: scores from the token losses (L,) of whole logits, elsewhere.
    """
    rows_of = partial(packed, fused=path.fused) if path.packing else one_by_one
    if path.head:
        hidden = rows_of(lambda **inputs: decoder_of(base)(**inputs).last_hidden_state[0], batch)
        head, config = base.get_output_embeddings(), base.config.get_text_config()
        factor = logit_factor(config)
        bias = None if head.bias is None else head.bias * factor
        softcap = getattr(config, "final_logit_softcapping", None)
        compute = getattr(head, "compute_dtype", None)
        return from_hidden(hidden * factor, head.weight, bias, batch.targets, softcap, compute)
    logits = rows_of(lambda **inputs: base(**inputs).logits[0], batch).float()
    return from_losses(nn.functional.cross_entropy(logits, batch.targets, reduction="none"))


def packed(forward: Forward, batch: MicroBatch, *, fused: bool) -> torch.Tensor:
    """The rows of `forward` for the L label positions, the micro-batch computed as one row of tokens."""
    device = batch.input_ids.device
    layouts = {"layout": attention_layout(batch.runs, device=device)}
    if fused:
        layouts["label_layout"] = attention_layout(batch.runs, batch.label_positions, device)
    rows = forward(input_ids=batch.input_ids, position_ids=batch.position_ids, use_cache=False, **layouts)
    return rows if fused else rows.index_select(0, batch.label_positions)


def one_by_one(forward: Forward, batch: MicroBatch) -> torch.Tensor:
    """The rows of `forward` for the L label positions, each example computed by itself by the model's own code."""
    parts = []
    for leaf in batch.leaves:
        runs = [batch.runs[index] for index in path(batch.runs, leaf)]
        ids = torch.cat([batch.input_ids[:, run.start : run.end] for run in runs], 1)
        run = batch.runs[leaf]
        inside = (batch.label_positions >= run.start) & (batch.label_positions < run.end)
        rows = batch.label_positions[inside] - run.start + run.depth
        parts.append(forward(input_ids=ids, use_cache=False)[rows])
    return torch.cat(parts)
