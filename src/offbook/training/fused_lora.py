"""LoRA's linear layer as one function, forward and backward by hand.

With a frozen weight W, an adapter A (r, in), B (out, r), a scaling s and a dropout mask m (Hu et al., 2021,
arXiv:2106.09685; dropout as in peft: an independent mask for each module, survivors scaled by 1 / (1 − p)):

    z = (m ∘ x) Aᵀ              y = x Wᵀ + b + s z Bᵀ
    ∂z = s ∂y B                 ∂A = ∂zᵀ (m ∘ x)       ∂B = s ∂yᵀ z
    ∂x = ∂y W + m ∘ (∂z A)

Kept for the backward pass are x, z and one byte a value for m; all else is made again. Modules that read the same x
(q, k, v; gate, up) are one call: x is kept once, and their shares of ∂x add up in one place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from peft.tuners.lora import Linear as LoraLinear
from torch import nn
from torch.autograd.function import once_differentiable

from offbook.training.matmul import add_product, product

LOWEST = torch.iinfo(torch.int64).min


@dataclass(frozen=True, slots=True)
class LinearSpec:
    """What one linear layer computes: (out, in) weight, and the adapter on it, if it has one."""

    weight: torch.Tensor
    bias: torch.Tensor | None
    a: torch.Tensor | None = None
    b: torch.Tensor | None = None
    scaling: float = 1.0
    dropout: float = 0.0


def linear_spec(module: Any) -> LinearSpec | None:
    """The module as this file computes it, or None where only its own forward does what it promises.

    Asked anew at every call, so that merging, disabling or switching an adapter is never missed.
    """
    if isinstance(module, nn.Linear):
        return None if _trained(module) else LinearSpec(module.weight, module.bias)
    if type(module) is not LoraLinear or not isinstance(module.base_layer, nn.Linear) or _trained(module.base_layer):
        return None
    base = module.base_layer
    active = [name for name in module.active_adapters if name in module.lora_A]
    if module.merged or module.disable_adapters or not active:
        return LinearSpec(base.weight, base.bias)
    name = active[0]
    if len(active) > 1 or name in module.lora_variant or module.lora_bias[name] or module.fan_in_fan_out:
        return None
    drop = module.lora_dropout[name]
    rate = drop.p if isinstance(drop, nn.Dropout) and drop.training else 0.0
    a: Any = module.lora_A[name].weight
    b: Any = module.lora_B[name].weight
    return LinearSpec(base.weight, base.bias, a, b, module.scaling[name], rate)


def _trained(module: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters(recurse=False))


def fused_linear(x: torch.Tensor, modules: Sequence[nn.Module]) -> tuple[torch.Tensor, ...]:
    """The modules' outputs for one input x (T, in): as each would give alone, computed together where possible."""
    branches = [linear_spec(module) for module in modules]
    if any(part is None for part in branches):
        return tuple(module(x[None])[0] for module in modules)
    parts = [part for part in branches if part is not None]
    tensors = [tensor for part in parts for tensor in (part.weight, part.bias, part.a, part.b)]
    return _Project.apply(x, [(part.scaling, part.dropout) for part in parts], *tensors)


class _Project(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, rates: list[tuple[float, float]], *tensors: Any) -> Any:
        outputs, kept, scales = [], [], []
        for (scaling, dropout), (weight, bias, a, b) in zip(rates, _fours(tensors), strict=True):
            y = nn.functional.linear(x, weight.to(x.dtype), bias)  # not `product`: see there
            mask = z = None
            if a is not None:
                mask, survivors = dropout_mask(x, dropout)
                scaling /= survivors
                z = product(_masked(x.to(a.dtype), mask), a)
                _add_product(y, z, b.t(), scaling)
            outputs.append(y)
            kept += [weight, a, b, mask, z]
            scales.append(scaling)
        ctx.scales = scales
        ctx.save_for_backward(x, *kept)
        return tuple(outputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        x, *kept = ctx.saved_tensors
        dx: torch.Tensor | None = None
        result: list[torch.Tensor | None] = []
        for dy, scaling, (weight, a, b, mask, z) in zip(gradients, ctx.scales, _fives(kept), strict=True):
            da = db = dz = None
            if a is not None:
                dy_wide = dy.to(a.dtype)
                dz = product(dy_wide, b.t()).mul_(scaling)
                db = product(z.t(), dy_wide.t()).mul_(scaling).t()
                da = product(dz.t(), _masked(x.to(a.dtype), mask).t())
            if ctx.needs_input_grad[0]:
                narrow = weight.to(dy.dtype)
                dx = product(dy, narrow.t()) if dx is None else add_product(dx, dy, narrow.t())
                if dz is not None:
                    dx += _masked_(product(dz, a.t()), mask)
            result += [None, None, da, db]
        return dx, None, *result


def _fours(tensors: Sequence[Any]) -> list[Any]:
    return [tensors[start : start + 4] for start in range(0, len(tensors), 4)]


def _fives(tensors: Sequence[Any]) -> list[Any]:
    return [tensors[start : start + 5] for start in range(0, len(tensors), 5)]


def dropout_mask(x: torch.Tensor, dropout: float) -> tuple[torch.Tensor | None, float]:
    """A fresh int8 mask of x's shape, 1 where a value survives, and the probability that it does.

    Sixteen random bits decide on a value, so the probability is a multiple of 2⁻¹⁶, within 8e-6 of `1 − dropout`;
    survivors are scaled by the real one. The bits come from torch's global generator of x's device.
    """
    if not dropout:
        return None, 1.0
    bits = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device).random_(LOWEST, None)
    dropped = round(dropout * 2**16)
    mask = bits.view(torch.int16)[: x.numel()].ge_(dropped - 2**15).to(torch.int8)
    return mask.view(x.shape), 1 - dropped / 2**16


def _masked(x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    return x if mask is None else x * mask


def _masked_(x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    return x if mask is None else x.mul_(mask)


def _add_product(y: torch.Tensor, z: torch.Tensor, b: torch.Tensor, scaling: float) -> None:
    """y += scaling · z b, in the wider of the two number formats."""
    if y.dtype == z.dtype:
        y.addmm_(z, b, alpha=scaling)
    else:
        y += torch.mm(z, b).mul_(scaling)
