"""LoRA's linear layer as one function, forward and backward by hand.

With a frozen weight W, an adapter A (r, in), B (out, r), a scaling s and a dropout mask m (Hu et al., 2021,
arXiv:2106.09685; dropout as in peft: an independent mask for each module, survivors scaled by 1 / (1 − p)):

    z = (m ∘ x) Aᵀ              y = x Wᵀ + b + s z Bᵀ
    ∂z = s ∂y B                 ∂A = ∂zᵀ (m ∘ x)       ∂B = s ∂yᵀ z
    ∂x = ∂y W + m ∘ (∂z A)

Saved for the backward pass are z, one byte a value for m, and what x is computed again from; all else is computed
again. Modules that read the same x (q, k, v; gate, up) are one call, and their shares of ∂x add up in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from offbook.training.matmul import Factor, factor, frozen_product, frozen_product_gradient, product
from offbook.training.recomputation import Recomputed

SEEDS = 2**63 - 1
"""How many seeds a mask can have: those that torch's generator draws at once."""


@dataclass(frozen=True, slots=True)
class LinearSpec:
    """What one linear layer computes: y = x Wᵀ + b, and the active LoRA adapter on it, if it has one."""

    weight: Callable[[torch.dtype], torch.Tensor]
    """The frozen weight (out, in) for a product that is computed in a number format, however it is stored."""
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
    magnitude: torch.Tensor | None = None
    """(out,), trained: the length of each row of the weight, where the adapter is DoRA's."""


def lora_linear(x: Recomputed, specs: Sequence[LinearSpec]) -> tuple[torch.Tensor, ...]:
    """Outputs (T, out) of linear layers with a LoRA adapter or none, for one input x (T, in)."""
    return _FusedLoRA.apply(x.value, x, specs, *(tensor for spec in specs for tensor in (spec.a, spec.b)))


class _FusedLoRA(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, source: Recomputed, specs: Sequence[LinearSpec], *adapters: Any) -> Any:
        outputs, kept, scales, formats = [], [], [], []
        inputs: dict[tuple[torch.dtype, torch.dtype], Factor] = {}
        wide: torch.Tensor | None = None
        for spec, (a, b) in zip(specs, _groups(adapters, 2), strict=True):
            compute = spec.compute or x.dtype
            weight = spec.weight(compute)
            formats_of = (compute, weight.dtype)
            if formats_of not in inputs:
                inputs[formats_of] = factor(x, weight, compute)
            # The forward product is not `product`: see matmul.py.
            y = frozen_product(inputs[formats_of], weight, spec.bias, x.dtype)
            mask, z, scaling = None, None, spec.scaling
            if a is not None:
                mask, survivors = dropout_mask(x, spec.dropout)
                scaling /= survivors
                wide = x.to(a.dtype) if wide is None else wide
                z = product(_apply_mask(wide, mask), a)
                _add_product(y, z, b.t(), scaling)
            outputs.append(y)
            kept += [a, b, mask, z]
            scales.append(scaling)
            formats.append(compute)
        ctx.weights, ctx.scales, ctx.formats = [spec.weight for spec in specs], scales, formats
        ctx.x = source.save_for_backward(ctx, *kept)
        return tuple(outputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        x, *kept = ctx.x(ctx.saved_tensors)
        dx: torch.Tensor | None = None
        wide: torch.Tensor | None = None
        result: list[torch.Tensor | None] = []
        cases = zip(gradients, ctx.weights, ctx.scales, ctx.formats, _groups(kept, 4), strict=True)
        for dy, weight, scaling, compute, (a, b, mask, z) in cases:
            da = db = dz = None
            if a is not None:
                dy_wide = dy.to(a.dtype)
                dz = product(dy_wide, b.t()).mul_(scaling)
                db = product(z.t(), dy_wide.t()).mul_(scaling).t()
                wide = x.to(a.dtype) if wide is None else wide
                da = product(dz.t(), _apply_mask(wide, mask).t())
            if ctx.needs_input_grad[0]:
                dx = frozen_product_gradient(dx, dy, weight(compute), compute)
                if dz is not None:
                    _add_masked(dx, product(dz, a.t()), mask)
            result += [da, db]
        return dx, None, None, *result


def _groups(tensors: Sequence[Any], size: int) -> list[Any]:
    return [tensors[start : start + size] for start in range(0, len(tensors), size)]


def dropout_mask(x: torch.Tensor, dropout: float) -> tuple[torch.Tensor | None, float]:
    """Draw a mask of x's shape, one byte a value, 1 where it survives; also returns the probability that it does.

    On a processor sixteen random bits decide on a value, so the probability is a multiple of 2⁻¹⁶, within 8e-6 of
    `1 − dropout`; survivors are scaled by the real one. The bits come from a generator of their own, twice as fast as
    torch's (SFC64, Doty-Humphrey, PractRand), with a seed from torch's global generator.
    """
    if not dropout:
        return None, 1.0
    if x.device.type != "cpu":  # one kernel in place of three
        return torch.empty(x.shape, dtype=torch.bool, device=x.device).bernoulli_(1 - dropout), 1 - dropout
    seed = int(torch.randint(SEEDS, ()))
    bits = np.random.SFC64(seed).random_raw(-(-x.numel() // 4)).view(np.int16)
    dropped = round(dropout * 2**16)
    mask = np.greater_equal(bits[: x.numel()], dropped - 2**15).view(np.int8)
    return torch.from_numpy(mask).view(x.shape), 1 - dropped / 2**16


def _apply_mask(x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    if mask is None:
        return x
    if x.device.type == "cpu":  # there a product of two formats takes half as long again
        return mask.to(x.dtype).mul_(x)
    return x * mask


def _add_masked(y: torch.Tensor, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Add in place what the mask leaves of x: y += x ∘ mask."""
    return y.add_(x) if mask is None else y.addcmul_(x, mask)


def _add_product(y: torch.Tensor, z: torch.Tensor, b: torch.Tensor, scaling: float) -> None:
    """Add in place: y += scaling · z b, in the wider of the two number formats."""
    if y.dtype == z.dtype:
        y.addmm_(z, b, alpha=scaling)
    else:
        y.add_(torch.mm(z, b), alpha=scaling)
