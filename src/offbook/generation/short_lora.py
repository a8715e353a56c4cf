"""peft's LoRA layer in four calls, for replies.

peft casts, drops out, looks at variants and mixes adapters. In a step of a few replies, whose products are small, that
takes as long as the model itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from peft.tuners.lora import Linear as LoraLinear


@contextmanager
def short_lora(model: Any) -> Iterator[None]:
    """Context manager: a model whose plain LoRA layers are computed the short way; afterwards it is as it was.

    Adapters may be switched on and off inside. The weights and the tree of modules stay as they are.

    Args:
        model: a causal language model, with or without a PEFT adapter.
    """
    layers: list[Any] = [part for part in model.modules() if type(part) is LoraLinear]
    for layer in layers:
        layer.forward = partial(_forward, layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def _forward(layer: Any, hidden: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    """What the layer says: base(x) + s (x Aᵀ) Bᵀ (Hu et al., 2021, arXiv:2106.09685), where it is no more than that."""
    name = _plain_adapter(layer, hidden)
    if args or kwargs or name is None:
        original: torch.Tensor = LoraLinear.forward(layer, hidden, *args, **kwargs)
        return original
    output: torch.Tensor = layer.base_layer(hidden)
    down = layer.lora_A[name](hidden).flatten(0, -2)
    flat = output.view(-1, output.shape[-1])
    return flat.addmm_(down, layer.lora_B[name].weight.t(), alpha=layer.scaling[name]).view(output.shape)


def _plain_adapter(layer: Any, hidden: torch.Tensor) -> str | None:
    """The one active adapter, if it is two float32 matrices beside a float32 input and nothing is to be dropped out."""
    active = layer.active_adapters
    if layer.disable_adapters or layer.merged or layer.training or torch.is_grad_enabled() or len(active) != 1:
        return None
    name: str = active[0]
    if name not in layer.lora_A or name in layer.lora_variant or layer.lora_bias[name] or layer.fan_in_fan_out:
        return None
    is_float32 = hidden.dtype == layer.lora_A[name].weight.dtype == torch.float32
    return name if is_float32 and hidden.ndim > 1 else None
