"""The forward pass of one micro-batch, with the parts of the fast path that a `FastPath` names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import nn

from offbook.training.architecture import decoder_of, logit_factor
from offbook.training.attention import attention_layout
from offbook.training.flash_attention import run_layout
from offbook.training.packing import MicroBatch
from offbook.training.prefix_tree import path

Forward = Callable[..., torch.Tensor]
"""The model, or all of it but the output layer: keyword inputs → one row for each token."""

ModelInputs: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FastPath:
    """Which parts of the fast path compute a model."""

    packing: bool = True
    """Several examples in a row of tokens; else they are computed one by one, by the model's own code."""
    fused: bool = True
    """Decoder layers and LoRA as written in this package; else as in transformers and peft. Needs `packing`."""
    head: bool = True
    """Logits for label positions only, a chunk at a time."""
    flash: bool = False
    """Attention by a GPU's own kernel (see `flash_attention`); needs `fused`."""


def score(
    base: Any,
    path: FastPath,
    batch: MicroBatch,
    from_hidden: Callable[..., torch.Tensor],
    from_losses: Callable[[torch.Tensor], torch.Tensor],
    inputs: ModelInputs | None = None,
) -> torch.Tensor:
    """Score the labels of a micro-batch.

    Args:
        base: the transformers causal language model, adapter inside, patched for `path`.
        path: which parts of the fast path compute it.
        batch: the micro-batch.
        from_hidden: scores from final hidden states (L, D), output weight, bias, targets, cap on the logits and
            compute format, where `path.head`.
        from_losses: scores from the token losses (L,) of whole logits, elsewhere.
        inputs: what `layouts` gives for this micro-batch, where it is known.
    """
    rows_of: Callable[[Forward, MicroBatch], torch.Tensor] = one_by_one
    if path.packing:
        rows_of = partial(packed, fused=path.fused, inputs=inputs or layouts(batch, path, base.device))
    batch = batch.to(base.device)
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


def layouts(batch: MicroBatch, path: FastPath, device: torch.device) -> ModelInputs:
    """The keyword inputs that tell a patched model which tokens of a micro-batch attend to which."""
    if path.flash:
        layout = run_layout(batch.runs, device)
        return {"layout": layout, "label_layout": replace(layout, query_tokens=batch.label_positions.to(device))}
    inputs: ModelInputs = {"layout": attention_layout(batch.runs, device=device)}
    if path.fused:
        inputs["label_layout"] = attention_layout(batch.runs, batch.label_positions, device)
    return inputs


def packed(forward: Forward, batch: MicroBatch, *, fused: bool, inputs: ModelInputs) -> torch.Tensor:
    """The rows of `forward` for the L label positions, the micro-batch computed as one row of tokens."""
    rows = forward(input_ids=batch.input_ids, position_ids=batch.position_ids, use_cache=False, **inputs)
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
