"""One pass through the model, from its tokens to the sum of its losses.

sentences = install(model, packing=True, prefix=True, fused=True, head=True, gradient_checkpointing=False)
loss_sum(model, batch).div(step.label_tokens).backward()
with plain(model):
    model.generate(...)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from peft import PeftModel
from torch.nn.functional import cross_entropy

from offbook.train import attention, loss
from offbook.train.packing import Batch

_STATE = "_offbook_fast"


def install(
    model: PeftModel,
    *,
    packing: bool = True,
    prefix: bool = True,
    fused: bool = True,
    head: bool = True,
    gradient_checkpointing: bool = False,
) -> list[str]:
    """Make the model compute packed passes; what had to stay as it was is returned as plain sentences."""
    base = model.get_base_model()
    setattr(base, _STATE, {"head": head, "attention": base.config._attn_implementation})
    if packing:
        base.set_attn_implementation(attention.NAME)
    return []


def uninstall(model: PeftModel) -> None:
    """Undo `install`: the model is again what it was."""
    base = model.get_base_model()
    state = base.__dict__.pop(_STATE, None)
    if state:
        base.set_attn_implementation(state["attention"])


@contextmanager
def plain(model: PeftModel) -> Iterator[None]:
    """Inside, the model is the ordinary one: for generation, with its cache."""
    base = model.get_base_model()
    state = base.__dict__.get(_STATE)
    now = base.config._attn_implementation
    if state:
        base.set_attn_implementation(state["attention"])
    try:
        yield
    finally:
        base.set_attn_implementation(now)


def loss_sum(model: PeftModel, batch: Batch) -> torch.Tensor:
    """Σ of the token losses of a pass, in nats; differentiable."""
    return _score(model, batch, loss.loss_sum)


@torch.no_grad()
def token_losses(model: PeftModel, batch: Batch) -> torch.Tensor:
    """The loss of each label of a pass, in nats: (L,)."""
    return _score(model, batch, loss.token_losses)


def _score(model, batch, score):
    base = model.get_base_model()
    hidden = _hidden(base, batch)
    head = base.get_output_embeddings()
    cap = getattr(base.config, "final_logit_softcapping", None)
    return score(hidden, head.weight, head.bias, batch.targets, cap)


def _hidden(base, batch):
    extra = {}
    if base.config._attn_implementation == attention.NAME:
        extra["segments"] = attention.segments(batch.prefix, batch.lengths, batch.input_ids.device)
    output = base.base_model(
        input_ids=batch.input_ids, position_ids=batch.position_ids, use_cache=False, **extra
    )
    return output.last_hidden_state[0, batch.rows]
