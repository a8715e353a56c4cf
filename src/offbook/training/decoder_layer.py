"""A decoder layer written out: the same numbers as transformers' own, with less work around the products.

    h = x + [norm] o(attention(rotate(q), rotate(k), v))       q, k, v of norm(x)
    y = h + [norm] down(act(gate) ∘ up)                        gate, up of norm(h)

That is a layer of Llama, Mistral, Qwen 2 and 3, ERNIE 4.5 and, with the norms in brackets, Gemma 3; biases, norms on
queries and keys, grouped keys and sliding windows included. `forward.install` compares it with the model's own before
using it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from transformers.activations import SiLUActivation

from offbook.training.attention import AttentionLayout, attend
from offbook.training.fused_lora import fused_linear

Rotate = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def layer_forward(
    layer: Any,
    hidden_states: torch.Tensor,
    *,
    position_embeddings: tuple[torch.Tensor, torch.Tensor],
    segments: AttentionLayout | None = None,
    asking: AttentionLayout | None = None,
    window: int | None = None,
    last: bool = False,
    **_: Any,
) -> torch.Tensor:
    """Takes the place of a decoder layer's forward: (1, T, D) → (1, T, D), seeing `window` tokens back.

    The last layer gives (1, L, D): nothing reads its results but the label positions, so only they ask, and pay for
    queries, output projection and MLP.

    Raises:
        RuntimeError: the call names no segments.
    """
    who = asking if last else segments
    if who is None:
        raise RuntimeError(
            "this model is set up for packed passes: call it inside offbook.training.fast_path.plain(model)"
        )
    cos, sin = (part[0] for part in position_embeddings)
    run = partial(_layer, layer, cos=cos, sin=sin, who=who, window=window)
    if getattr(layer, "gradient_checkpointing", False) and layer.training:
        return layer._gradient_checkpointing_func(run, hidden_states[0])[None]
    return run(hidden_states[0])[None]


def _layer(
    layer: Any, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, who: AttentionLayout, window: int | None
) -> torch.Tensor:
    mixed = _attention(layer.self_attn, normalise(layer.input_layernorm, x), cos, sin, who, window)
    x = x if who.rows is None else x.index_select(0, who.rows)
    if (between := getattr(layer, "pre_feedforward_layernorm", None)) is None:
        x = x + mixed
        return x + _mlp(layer.mlp, normalise(layer.post_attention_layernorm, x))
    x = x + normalise(layer.post_attention_layernorm, mixed)
    return x + normalise(layer.post_feedforward_layernorm, _mlp(layer.mlp, normalise(between, x)))


def _attention(
    module: Any, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, who: AttentionLayout, window: int | None
) -> torch.Tensor:
    if who.rows is None:
        query, key, value = fused_linear(x, (module.q_proj, module.k_proj, module.v_proj))
        cos_q, sin_q = cos, sin
    else:
        (query,) = fused_linear(x.index_select(0, who.rows), (module.q_proj,))
        key, value = fused_linear(x, (module.k_proj, module.v_proj))
        cos_q, sin_q = cos[who.rows], sin[who.rows]
    query, key, value = (part.unflatten(1, (-1, module.head_dim)) for part in (query, key, value))
    if hasattr(module, "q_norm"):
        query, key = normalise(module.q_norm, query), normalise(module.k_norm, key)
    rotate = rotation(module)
    query, key = rotate(query, cos_q, sin_q), rotate(key, cos, sin)
    mixed = attend(query, key, value, who, scaling=module.scaling, window=window)
    return fused_linear(mixed.flatten(1), (module.o_proj,))[0]


def _mlp(module: Any, x: torch.Tensor) -> torch.Tensor:
    gate, up = fused_linear(x, (module.gate_proj, module.up_proj))
    silu = isinstance(module.act_fn, nn.SiLU | SiLUActivation)
    inner = _SwiGLU.apply(gate, up) if silu else module.act_fn(gate) * up
    return fused_linear(inner, (module.down_proj,))[0]


class _SwiGLU(torch.autograd.Function):
    """silu(g) ∘ u. With σ = sigmoid(g): ∂u = ∂y g σ, ∂g = ∂y u σ (1 + g (1 − σ)). Only g and u are kept."""

    @staticmethod
    def forward(ctx: Any, gate: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(gate, up)
        return nn.functional.silu(gate).mul_(up)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: torch.Tensor) -> Any:
        gate, up = ctx.saved_tensors
        d_up = nn.functional.silu(gate).mul_(dy)
        d_gate = torch.ops.aten.silu_backward(dy * up, gate)
        return d_gate, d_up


def normalise(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The module's RMS norm over the last axis of x; what is trained is left to the module, wrapped as it may be."""
    if any(parameter.requires_grad for parameter in module.parameters()):
        return module(x)
    weight, epsilon = rms_norm(module)
    return _RMSNorm.apply(x, weight, epsilon)


def rms_norm(module: Any) -> tuple[torch.Tensor, float]:
    """(weight, ε) of an RMS norm; Gemma's weights are counted from one."""
    epsilon = module.variance_epsilon if hasattr(module, "variance_epsilon") else module.eps
    return (1 + module.weight if "Gemma" in type(module).__name__ else module.weight), epsilon


class _RMSNorm(torch.autograd.Function):
    """y = w x / ρ, ρ = √(mean x² + ε) (Zhang & Sennrich, 2019). ∂x = (w∂y − x mean(w∂y x) / ρ²) / ρ."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
        wide = x.float()
        inverse = torch.linalg.vecdot(wide, wide)[..., None].div_(x.shape[-1]).add_(epsilon).rsqrt_()
        ctx.save_for_backward(x, weight, inverse)
        return (wide * inverse).mul_(weight).to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: torch.Tensor) -> Any:
        x, weight, inverse = ctx.saved_tensors
        wide, dy = x.float(), dy.float() * weight
        inner = torch.linalg.vecdot(dy, wide)[..., None].mul_(inverse.pow(3)).div_(-x.shape[-1])
        return dy.mul_(inverse).addcmul_(wide, inner).to(x.dtype), None, None


def rotation(module: nn.Module) -> Rotate:
    """How this attention turns queries and keys: pairs (i, i + d/2), or neighbours (2i, 2i + 1)."""
    return rotate_neighbours if "Ernie" in type(module).__name__ else rotate_halves


def rotate_halves(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """(T, H, d) turned by the angles of (T, d), whose two halves are alike."""
    return _RotateHalves.apply(x, cos[:, None, :], sin[:, None, :])


def rotate_neighbours(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """The same for neighbouring pairs, which are complex numbers."""
    half = cos.shape[-1] // 2
    turn = torch.complex(cos[:, None, :half].float(), sin[:, None, :half].float())
    return torch.view_as_real(torch.view_as_complex(x.float().unflatten(-1, (-1, 2))) * turn).flatten(-2).to(x.dtype)


class _RotateHalves(torch.autograd.Function):
    """The gradient of a rotation is the rotation back."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(cos, sin)
        return _turn(x, cos, sin, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: torch.Tensor) -> Any:
        cos, sin = ctx.saved_tensors
        return _turn(dy, cos, sin, -1), None, None


def _turn(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, sign: int) -> torch.Tensor:
    half = x.shape[-1] // 2
    turned = x * cos
    turned[..., :half].addcmul_(x[..., half:], sin[..., :half], value=-sign)
    turned[..., half:].addcmul_(x[..., :half], sin[..., half:], value=sign)
    return turned
