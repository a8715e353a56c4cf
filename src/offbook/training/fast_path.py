"""One pass through the model, from its tokens to the sum of its losses.

    notes = install(model)                                   # what had to stay as it was, in sentences
    for batch in step.passes:
        (loss_sum(model, batch) / step.label_tokens).backward()
    with plain(model):
        model.generate(...)                                  # the ordinary model, with its cache
    uninstall(model)

Nothing of the model is replaced for good: the attention is registered with transformers, and a decoder layer's forward
is an attribute of the object that `disable` deletes. Its weights, its adapter and its files are peft's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import Any
from weakref import WeakKeyDictionary

import torch
from peft import PeftModel
from torch import nn

from offbook.training import attention, chunked_loss
from offbook.training.decoder_layer import layer_forward
from offbook.training.fused_lora import linear_spec
from offbook.training.packing import MicroBatch

Run = Callable[..., torch.Tensor]
"""The model, or all of it but the head: its inputs → one row for each of their tokens."""


@dataclass
class _Fast:
    """What is in force for a model."""

    attention: str
    """The attention it came with."""
    packing: bool = True
    fused: bool = True
    head: bool = True
    windows: dict[nn.Module, int | None] = field(default_factory=dict)
    """How far back each attention sees, for `fused`."""
    checkpointing: bool = False
    """Whether gradient checkpointing was switched on with it."""


_FAST: WeakKeyDictionary[nn.Module, _Fast] = WeakKeyDictionary()

_UNFIT = (AttributeError, RuntimeError, TypeError, ValueError, LookupError)
"""What a model raises that is not built as its fast form expects."""


def enable(
    model: PeftModel,
    *,
    packing: bool = True,
    fused: bool = True,
    head: bool = True,
    gradient_checkpointing: bool = False,
) -> list[str]:
    """Make the model compute packed passes. What it cannot have is left out and told in plain sentences.

    Args:
        packing: several examples in a row of tokens; else they are computed one by one, by the model's own code.
        fused: decoder layers and LoRA as written here; else as in transformers and peft.
        head: logits for label positions only, a chunk at a time.
    """
    base: Any = model.get_base_model()
    disable(model)
    notes: list[str] = []
    fast = _Fast(base.config._attn_implementation, packing, fused and packing, head)
    if gradient_checkpointing and not base.is_activation_checkpointing:
        base.activation_checkpointing_enable({"use_reentrant": False})
        fast.checkpointing = True
    if head and not _frozen_head(base):
        fast.head = False
        notes.append("The output layer is trained or unusual: its logits are computed whole.")
    _settle(model, fast, notes)
    if fast.fused:
        own = [
            name for name, module in base.named_modules() if hasattr(module, "lora_A") and linear_spec(module) is None
        ]
        if own:
            notes.append(f"{len(own)} layers with a special adapter ({own[0]} …) are computed by peft's own code.")
    if fast.packing and (rate := getattr(base.config.get_text_config(), "attention_dropout", 0.0)):
        notes.append(f"The model's own dropout on attention ({rate:g}) is left out; the adapter's stays.")
    return notes


def disable(model: PeftModel) -> None:
    """Undo `enable`: the model is again what it was."""
    base: Any = model.get_base_model()
    fast = _FAST.pop(base, None)
    if fast is None:
        return
    _take_out(base, fast)
    if fast.checkpointing:
        base.activation_checkpointing_disable()
        base.disable_input_require_grads()


@contextmanager
def plain(model: PeftModel) -> Iterator[None]:
    """Inside, the model is the ordinary one; afterwards what was installed is back."""
    base = model.get_base_model()
    fast = _FAST.pop(base, None)
    if fast is not None:
        _take_out(base, fast)
    try:
        yield
    finally:
        if fast is not None:
            _put_in(base, fast)
            _FAST[base] = fast


def loss_sum(model: PeftModel, batch: MicroBatch) -> torch.Tensor:
    """Σ of the token losses of a pass, in nats: a scalar to call `backward` on."""
    return _score(model, batch, chunked_loss.loss_sum, lambda losses: losses.sum())


@torch.no_grad()
def token_losses(model: PeftModel, batch: MicroBatch) -> torch.Tensor:
    """The loss of each label of a pass, in nats, float32: (L,)."""
    return _score(model, batch, chunked_loss.token_losses, lambda losses: losses)


def _settle(model: PeftModel, fast: _Fast, notes: list[str]) -> None:
    """Put the fastest form into the plain model that gives the losses of its own logits."""
    base: Any = model.get_base_model()
    batch = _probe(base)
    with _quiet(model):
        truth = token_losses(model, batch)
    if fast.fused:
        fast.windows = _windows(model, batch)
    asked, _FAST[base] = replace(fast), fast
    for fast.packing, fast.fused, fast.head in _forms(asked):
        try:
            _put_in(base, fast)
            with _quiet(model):
                losses = token_losses(model, batch)
            if _close(losses, truth, base.dtype):
                break
        except _UNFIT:
            pass
        _take_out(base, fast)
    kind = type(base).__name__
    if asked.head and not fast.head:
        notes.append(f"{kind} computes its logits in a way of its own: they are computed whole, by its own code.")
    if asked.packing and not fast.packing:
        notes.append(f"{kind} cannot be computed in packed passes: its examples are computed one by one.")
    elif asked.fused and not fast.fused:
        notes.append(f"{kind} has layers of an unknown form: they are computed by transformers' own code.")


def _forms(asked: _Fast) -> Iterator[tuple[bool, bool, bool]]:
    """(packing, fused, head), the fastest first; the last is the model's own code throughout."""
    for packing, fused, head in product((True, False), repeat=3):
        if packing <= asked.packing and fused <= (asked.fused and packing) and head <= asked.head:
            yield packing, fused, head


def _windows(model: PeftModel, batch: MicroBatch) -> dict[nn.Module, int | None]:
    """How far back each attention sees, as the model's own code tells it: no probe is as long as a real window."""
    base: Any = model.get_base_model()
    form = _Fast(base.config._attn_implementation, fused=False)
    found: dict[nn.Module, int | None] = {}
    with _quiet(model), torch.no_grad(), suppress(*_UNFIT):
        _put_in(base, form)
        _packed(lambda **inputs: base.base_model(**inputs, windows=found).last_hidden_state[0], batch, fused=False)
    _take_out(base, form)
    return found


def _put_in(base: Any, fast: _Fast) -> None:
    if fast.packing:
        base.set_attn_implementation(attention.NAME)
    if fast.fused:
        layers = base.base_model.layers
        for layer in layers:
            window = fast.windows[layer.self_attn]
            layer.forward = partial(layer_forward, layer, window=window, last=layer is layers[-1])


def _take_out(base: Any, fast: _Fast) -> None:
    base.set_attn_implementation(fast.attention)
    for layer in getattr(base.base_model, "layers", ()):
        layer.__dict__.pop("forward", None)


def _frozen_head(base: Any) -> bool:
    head = base.get_output_embeddings()
    return isinstance(head, nn.Linear) and not any(part.requires_grad for part in head.parameters())


def _probe(base: Any) -> MicroBatch:
    """A pass with a prefix and two examples, of tokens from all over the vocabulary."""
    ids = torch.linspace(3, base.config.get_text_config().vocab_size - 1, 14).long()
    return MicroBatch(
        input_ids=ids[None],
        position_ids=torch.tensor([[0, 1, 2, 3, 4, 5, 6, 7, 3, 4, 5, 6, 7, 8]]),
        prefix=3,
        lengths=(5, 6),
        rows=torch.tensor([4, 6, 7, 9, 10, 13]),
        targets=ids[:6],
        owners=torch.tensor([0, 0, 0, 1, 1, 1]),
    ).to(base.device)


@contextmanager
def _quiet(model: PeftModel) -> Iterator[None]:
    """Inside, no dropout."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)


def _close(losses: torch.Tensor, truth: torch.Tensor, dtype: torch.dtype) -> bool:
    """Whether rounding explains the difference. A prediction that knows little loses about log V whatever was computed:
    it is the losses' spread that tells right from wrong."""
    share, rounding = (1e-3, 2e-6) if dtype == torch.float32 else (0.05, 0.05)
    return bool((losses - truth).abs().max() <= share * truth.std() + rounding * truth.abs().max())


def _score(model: PeftModel, batch: MicroBatch, score: Callable, reduce: Callable) -> torch.Tensor:
    base: Any = model.get_base_model()
    fast = _FAST.get(base)
    compute = partial(_packed, fused=fast.fused) if fast and fast.packing else _one_by_one
    if fast and fast.head:
        hidden = compute(lambda **inputs: base.base_model(**inputs).last_hidden_state[0], batch)
        head, config = base.get_output_embeddings(), base.config.get_text_config()
        scale = _logit_scale(config)
        bias = None if head.bias is None else head.bias * scale
        return score(hidden * scale, head.weight, bias, batch.targets, getattr(config, "final_logit_softcapping", None))
    logits = compute(lambda **inputs: base(**inputs).logits[0], batch).float()
    return reduce(nn.functional.cross_entropy(logits, batch.targets, reduction="none"))


def _logit_scale(config: Any) -> float:
    """What the head's product is multiplied by: Granite divides its logits, Cohere multiplies them."""
    return getattr(config, "logit_scale", 1.0) / getattr(config, "logits_scaling", 1.0)


def _packed(run: Run, batch: MicroBatch, *, fused: bool) -> torch.Tensor:
    """What `run` gives for the L tokens that predict a label, the pass computed as one row."""
    device = batch.input_ids.device
    seen = {"segments": attention.segments(batch.prefix, batch.lengths, device=device)}
    if fused:
        seen["asking"] = attention.segments(batch.prefix, batch.lengths, batch.rows, device)
    rows = run(input_ids=batch.input_ids, position_ids=batch.position_ids, use_cache=False, **seen)
    return rows if fused else rows.index_select(0, batch.rows)


def _one_by_one(run: Run, batch: MicroBatch) -> torch.Tensor:
    """The same, each example of the pass by itself through the model's own code."""
    parts, start = [], batch.prefix
    shared = batch.input_ids[:, : batch.prefix]
    for length in batch.lengths:
        ids = torch.cat([shared, batch.input_ids[:, start : start + length]], 1)
        rows = batch.rows[(batch.rows >= start) & (batch.rows < start + length)] - start + batch.prefix
        parts.append(run(input_ids=ids, use_cache=False)[rows])
        start += length
    return torch.cat(parts)
