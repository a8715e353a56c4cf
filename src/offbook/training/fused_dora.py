"""DoRA's linear layer as one function, forward and backward by hand.

DoRA (Liu et al., 2024, arXiv:2402.09353) learns the length of each row of the weight apart from its direction. With a
frozen weight W, an adapter A (r, in), B (out, r), a scaling s, a magnitude m (out,), and x̃, the input after dropout:

    g = m / ‖W + s B A‖ by rows          the norm counts as a constant in the backward pass (section 4.3)
    y = x Wᵀ + b + (g − 1) ∘ x̃ Wᵀ + g ∘ s (x̃ Aᵀ) Bᵀ

which is g ∘ (x Wᵀ + s (x Aᵀ) Bᵀ) + b without dropout. With it the frozen weight is multiplied twice, in peft as here.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from offbook.training.fused_lora import LinearSpec, dropout_mask
from offbook.training.matmul import factor, frozen_product, frozen_product_gradient, product
from offbook.training.recomputation import Recomputed


def dora_linear(x: Recomputed, spec: LinearSpec) -> torch.Tensor:
    """The output (T, out) of a linear layer with a DoRA adapter, for x (T, in)."""
    assert spec.a is not None
    assert spec.b is not None
    assert spec.magnitude is not None
    output: torch.Tensor = _FusedDoRA.apply(x.value, x, spec, spec.a, spec.b, spec.magnitude)
    return output


def row_norms(weight: torch.Tensor, a: torch.Tensor, b: torch.Tensor, scaling: float) -> torch.Tensor:
    """‖W + s B A‖ of each row, (out,): ‖W‖² + 2 s (W Aᵀ) · B + s² (B A Aᵀ) · B, without the sum itself."""
    squares = torch.linalg.vecdot(weight, weight)
    squares.add_(torch.linalg.vecdot(product(weight, a), b), alpha=2 * scaling)
    return squares.add_(torch.linalg.vecdot(b @ (a @ a.t()), b), alpha=scaling**2).sqrt_()


class _FusedDoRA(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        source: Recomputed,
        spec: LinearSpec,
        a: torch.Tensor,
        b: torch.Tensor,
        magnitude: torch.Tensor,
    ) -> torch.Tensor:
        compute = spec.compute or x.dtype
        weight = spec.weight(compute)
        norms = row_norms(weight.to(a.dtype), a, b, spec.scaling)
        gain = magnitude / norms
        mask, survivors = dropout_mask(x, spec.dropout)
        dropped = _dropped(x, mask, survivors)
        z = product(dropped.to(a.dtype), a)
        lora = product(z, b).mul_(spec.scaling)
        undropped = frozen_product(factor(x, weight, compute), weight, None, x.dtype)
        base = undropped
        if mask is not None:
            base = frozen_product(factor(dropped, weight, compute), weight, None, x.dtype)
        directed = lora.add_(base)  # what the magnitude scales
        y = (directed * gain).to(x.dtype)
        if mask is not None:
            y += undropped - base
        ctx.spec, ctx.survivors = spec, survivors
        ctx.x = source.save_for_backward(ctx, a, b, gain, norms, mask, z, directed)
        return y if spec.bias is None else y.add_(spec.bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: torch.Tensor) -> Any:
        x, a, b, gain, norms, mask, z, directed = ctx.x(ctx.saved_tensors)
        spec = ctx.spec
        wide = dy.to(a.dtype)
        scaled = wide * gain
        dropped = _dropped(x, mask, ctx.survivors).to(a.dtype)
        d_magnitude = torch.linalg.vecdot(wide, directed, dim=0).div_(norms)
        dz = product(scaled, b.t()).mul_(spec.scaling)
        db = product(scaled.t(), z.t()).mul_(spec.scaling)
        da = product(dz.t(), dropped.t())
        dx = None
        if ctx.needs_input_grad[0]:
            compute = spec.compute or x.dtype
            weight = spec.weight(compute)
            through_adapter = product(dz, a.t())
            if mask is None:
                dx = frozen_product_gradient(through_adapter.to(x.dtype), scaled.to(x.dtype), weight, compute)
            else:
                of_lora, of_base = through_adapter.to(x.dtype), (scaled - wide).to(x.dtype)
                inner = frozen_product_gradient(of_lora, of_base, weight, compute)
                dx = frozen_product_gradient(_dropped(inner, mask, ctx.survivors), dy, weight, compute)
        return dx, None, None, da, db, d_magnitude


def _dropped(x: torch.Tensor, mask: torch.Tensor | None, survivors: float) -> torch.Tensor:
    """The values that survive dropout, scaled up for those that do not."""
    return x if mask is None else (x * mask).div_(survivors)
