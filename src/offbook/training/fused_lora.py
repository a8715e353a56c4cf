"""LoRA's linear layer as one function, forward and backward by hand.

With a frozen weight W, an adapter A (r, in), B (out, r), a scaling s and a dropout mask m (Hu et al., 2021,
arXiv:2106.09685; dropout as in peft: an independent mask for each module, survivors scaled by 1 / (1 − p)):

    z = (m ∘ x) Aᵀ              y = x Wᵀ + b + s z Bᵀ
    ∂z = s ∂y B                 ∂A = ∂zᵀ (m ∘ x)       ∂B = s ∂yᵀ z
    ∂x = ∂y W + m ∘ (∂z A)

Saved for the backward pass are x, z and one byte a value for m; all else is computed again. Modules that read the same
x (q, k, v; gate, up) are one call: x is saved once, and their shares of ∂x add up in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from peft.tuners.lora import Linear as LoraLinear
from torch import nn
from torch.autograd.function import once_differentiable

from offbook.training.matmul import frozen_product, frozen_product_gradient, product

INT64_MIN = torch.iinfo(torch.int64).min


@dataclass(frozen=True, slots=True)
class LinearSpec:
    """What one linear layer computes: y = x Wᵀ + b, and the active LoRA adapter on it, if it has one."""

    weight: Callable[[torch.dtype], torch.Tensor]
    """The frozen weight (out, in) in a number format, however it is stored."""
    bias: torch.Tensor | None
    """(out,)"""
    a: torch.Tensor | None = None
    """(r, in)"""
    b: torch.Tensor | None = None
    """(out, r)"""
    scaling: float = 1.0
    compute: torch.dtype | None = None
    """Format in which the product with `weight` is computed; None for that of the activations."""
    dropout: float = 0.0
    """Probability with which an input of the adapter is dropped; 0 in evaluation mode."""


def linear_spec(module: Any) -> LinearSpec | None:
    """The spec of a linear module, or None where only the module's own forward computes what it should.

    That is so with DoRA, a bias of the adapter, several active adapters, trained base weights. The module is read anew
    at every call, so that merging, disabling or switching an adapter is never missed.
    """
    if isinstance(module, nn.Linear):
        return None if _trained(module) else LinearSpec(_weight_of(module), module.bias, compute=_compute_of(module))
    if type(module) is not LoraLinear or not isinstance(module.base_layer, nn.Linear) or _trained(module.base_layer):
        return None
    base = module.base_layer
    active = [name for name in module.active_adapters if name in module.lora_A]
    if module.merged or module.disable_adapters or not active:
        return LinearSpec(_weight_of(base), base.bias, compute=_compute_of(base))
    name = active[0]
    if len(active) > 1 or name in module.lora_variant or module.lora_bias[name] or module.fan_in_fan_out:
        return None
    drop = module.lora_dropout[name]
    rate = drop.p if isinstance(drop, nn.Dropout) and drop.training else 0.0
    a: Any = module.lora_A[name].weight
    b: Any = module.lora_B[name].weight
    return LinearSpec(_weight_of(base), base.bias, a, b, module.scaling[name], _compute_of(base), rate)


def _weight_of(layer: nn.Linear) -> Callable[[torch.dtype], torch.Tensor]:
    """What gives a frozen layer's weight; a layer that stores it in fewer bytes says itself how it is read."""
    return getattr(layer, "dense_weight", layer.weight.to)


def _compute_of(layer: nn.Linear) -> torch.dtype | None:
    """The format in which a frozen layer says that its product is computed; None where it says nothing."""
    return getattr(layer, "compute_dtype", None)


def _trained(module: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters(recurse=False))


def fused_linear(x: torch.Tensor, modules: Sequence[nn.Module]) -> tuple[torch.Tensor, ...]:
    """Outputs of several linear modules for one input: x (T, in) → a tuple of (T, out), as each would give alone.

    Modules without a `linear_spec` are called one by one.
    """
    specs = [linear_spec(module) for module in modules]
    if any(spec is None for spec in specs):
        return tuple(module(x[None])[0] for module in modules)
    linears = [spec for spec in specs if spec is not None]
    return _FusedLoRA.apply(x, linears, *(tensor for spec in linears for tensor in (spec.a, spec.b)))


class _FusedLoRA(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, specs: list[LinearSpec], *adapters: Any) -> Any:
        outputs, kept, scales, formats = [], [], [], []
        inputs: dict[torch.dtype, torch.Tensor] = {}
        for spec, (a, b) in zip(specs, _groups(adapters, 2), strict=True):
            compute = spec.compute or x.dtype
            if compute not in inputs:
                inputs[compute] = x.to(compute)
            y = frozen_product(
                inputs[compute], spec.weight(compute), spec.bias, x.dtype
            )  # not `product`: see matmul.py
            mask, z, scaling = None, None, spec.scaling
            if a is not None:
                mask, survivors = dropout_mask(x, spec.dropout)
                scaling /= survivors
                z = product(_apply_mask(x.to(a.dtype), mask), a)
                _add_product(y, z, b.t(), scaling)
            outputs.append(y)
            kept += [a, b, mask, z]
            scales.append(scaling)
            formats.append(compute)
        ctx.weights, ctx.scales, ctx.formats = [spec.weight for spec in specs], scales, formats
        ctx.save_for_backward(x, *kept)
        return tuple(outputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        x, *kept = ctx.saved_tensors
        dx: torch.Tensor | None = None
        result: list[torch.Tensor | None] = []
        cases = zip(gradients, ctx.weights, ctx.scales, ctx.formats, _groups(kept, 4), strict=True)
        for dy, weight, scaling, compute, (a, b, mask, z) in cases:
            da = db = dz = None
            if a is not None:
                dy_wide = dy.to(a.dtype)
                dz = product(dy_wide, b.t()).mul_(scaling)
                db = product(z.t(), dy_wide.t()).mul_(scaling).t()
                da = product(dz.t(), _apply_mask(x.to(a.dtype), mask).t())
            if ctx.needs_input_grad[0]:
                dx = frozen_product_gradient(dx, dy, weight(compute))
                if dz is not None:
                    dx += _apply_mask_(product(dz, a.t()), mask)
            result += [da, db]
        return dx, None, *result


def _groups(tensors: Sequence[Any], size: int) -> list[Any]:
    return [tensors[start : start + size] for start in range(0, len(tensors), size)]


def dropout_mask(x: torch.Tensor, dropout: float) -> tuple[torch.Tensor | None, float]:
    """Draw an int8 mask of x's shape, 1 where a value survives; also returns the probability that it does.

    Sixteen random bits decide on a value, so the probability is a multiple of 2⁻¹⁶, within 8e-6 of `1 − dropout`;
    survivors are scaled by the real one. The bits come from torch's global generator of x's device.
    """
    if not dropout:
        return None, 1.0
    bits = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device).random_(INT64_MIN, None)
    dropped = round(dropout * 2**16)
    mask = bits.view(torch.int16)[: x.numel()].ge_(dropped - 2**15).to(torch.int8)
    return mask.view(x.shape), 1 - dropped / 2**16


def _apply_mask(x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    return x if mask is None else x * mask


def _apply_mask_(x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    return x if mask is None else x.mul_(mask)


def _add_product(y: torch.Tensor, z: torch.Tensor, b: torch.Tensor, scaling: float) -> None:
    """Add in place: y += scaling · z b, in the wider of the two number formats."""
    if y.dtype == z.dtype:
        y.addmm_(z, b, alpha=scaling)
    else:
        y += torch.mm(z, b).mul_(scaling)
