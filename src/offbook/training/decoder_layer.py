"""A decoder layer written out: the same numbers as transformers' own, with less work around the products.

    h = x + [norm] o(attention(rotate(q), rotate(k), v))       q, k, v of norm(x)
    y = h + [norm] down(act(gate) ∘ up)                        gate, up of norm(h)

That is a layer of Llama, Mistral, Qwen 2 and 3, ERNIE 4.5 and, with the norms in brackets, Gemma 3; biases, norms on
queries and keys, grouped keys and sliding windows included. `architecture.check_decoder_layers` refuses other layers,
and `fast_path.enable` compares the losses with the model's own before using it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from transformers.activations import SiLUActivation

from offbook.training.adapted_linear import fused_linear
from offbook.training.attention import Layout, MissingLayout, attend_in_blocks, in_order
from offbook.training.recomputation import Recomputed

Rotate = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""x (T, H, d), cos (T, d), sin (T, d) → rotated x."""


def layer_forward(
    layer: Any,
    hidden_states: torch.Tensor,
    *,
    position_embeddings: tuple[torch.Tensor, torch.Tensor],
    layout: Layout | None = None,
    label_layout: Layout | None = None,
    window: int | None = None,
    last: bool = False,
    **_: Any,
) -> torch.Tensor:
    """Forward pass that takes the place of a decoder layer's own.

    The last layer returns the L label positions alone: nothing reads its other results, so queries, output projection
    and MLP are computed only there.

    Args:
        layer: the transformers module whose weights are used.
        hidden_states: (1, T, D).
        position_embeddings: cos and sin of the rotary embedding, (1, T, d) each.
        layout: attention layout with a query for every token.
        label_layout: attention layout with queries for the label positions alone.
        window: sliding window of this layer's attention, in tokens; None for none.
        last: whether this is the last layer.

    Returns:
        (1, T, D); (1, L, D) from the last layer.

    Raises:
        MissingLayout: the model was called without the layout it needs.
    """
    layout = label_layout if last else layout
    if layout is None:
        raise MissingLayout
    cos, sin = (part[0] for part in position_embeddings)
    run = partial(_layer, layer, cos=cos, sin=sin, layout=layout, window=window)
    if getattr(layer, "gradient_checkpointing", False) and layer.training:
        return layer._gradient_checkpointing_func(run, hidden_states[0])[None]
    return run(hidden_states[0])[None]


def _layer(
    layer: Any, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, layout: Layout, window: int | None
) -> torch.Tensor:
    mixed = _attention(layer.self_attn, _normalized(layer.input_layernorm, x), cos, sin, layout, window)
    x = x if layout.query_tokens is None else x.index_select(0, layout.query_tokens)
    if (between := getattr(layer, "pre_feedforward_layernorm", None)) is None:
        x = x + mixed
        return x + _mlp(layer.mlp, _normalized(layer.post_attention_layernorm, x))
    x = x + rms_normalize(layer.post_attention_layernorm, mixed)
    return x + rms_normalize(layer.post_feedforward_layernorm, _mlp(layer.mlp, _normalized(between, x)))


def _normalized(module: nn.Module, x: torch.Tensor) -> Recomputed:
    return Recomputed(partial(rms_normalize, module), x)


def _attention(
    module: Any, x: Recomputed, cos: torch.Tensor, sin: torch.Tensor, layout: Layout, window: int | None
) -> torch.Tensor:
    if layout.query_tokens is None:
        query, key, value = fused_linear(x, (module.q_proj, module.k_proj, module.v_proj))
        cos_q, sin_q = cos, sin
    else:
        (query,) = fused_linear(x.value.index_select(0, layout.query_tokens), (module.q_proj,))
        key, value = fused_linear(x, (module.k_proj, module.v_proj))
        cos_q, sin_q = cos[layout.query_tokens], sin[layout.query_tokens]
    query, key, value = (part.unflatten(1, (-1, module.head_dim)) for part in (query, key, value))
    if hasattr(module, "q_norm"):
        query, key = rms_normalize(module.q_norm, query), rms_normalize(module.k_norm, key)
    rotate = rotation(module)
    query, key = rotate(query, cos_q, sin_q), rotate(key, cos, sin)
    blocks = attend_in_blocks(query, key, value, layout, scaling=module.scaling, window=window)
    return fused_linear(Recomputed(partial(_heads_side_by_side, layout), *blocks), (module.o_proj,))[0]


def _heads_side_by_side(layout: Layout, *blocks: torch.Tensor) -> torch.Tensor:
    return in_order(blocks, layout).flatten(1)


def _mlp(module: Any, x: Recomputed) -> torch.Tensor:
    gate, up = fused_linear(x, (module.gate_proj, module.up_proj))
    return fused_linear(Recomputed(partial(_gated, module.act_fn), gate, up), (module.down_proj,))[0]


def _gated(act: nn.Module, gate: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
    inner: torch.Tensor = _SwiGLU.apply(gate, up) if isinstance(act, nn.SiLU | SiLUActivation) else act(gate) * up
    return inner


class _SwiGLU(torch.autograd.Function):
    """silu(g) ∘ u (Shazeer, 2020, arXiv:2002.05202). With σ = sigmoid(g): ∂u = ∂y g σ, ∂g = ∂y u σ (1 + g (1 − σ)).

    Only g and u are saved for the backward pass.
    """

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


def rms_normalize(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """RMS norm of x over its last axis with the module's weight; a trained norm is computed by its own module."""
    if any(parameter.requires_grad for parameter in module.parameters()):
        return module(x)
    weight, epsilon = rms_norm(module)
    if x.device.type == "cuda":  # one kernel of torch's own in place of eight
        return nn.functional.rms_norm(x, x.shape[-1:], weight, epsilon)
    return _RMSNorm.apply(x, weight, epsilon)


def rms_norm(module: Any) -> tuple[torch.Tensor, float]:
    """The weight and ε of an RMS norm module; Gemma stores its weights minus one."""
    epsilon = module.variance_epsilon if hasattr(module, "variance_epsilon") else module.eps
    return (1 + module.weight if "Gemma" in type(module).__name__ else module.weight), epsilon


class _RMSNorm(torch.autograd.Function):
    """y = w x / ρ, ρ = √(mean x² + ε) (Zhang & Sennrich, 2019, arXiv:1910.07467).

    ∂x = (w∂y − x mean(w∂y x) / ρ²) / ρ.
    """

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
    """The rotary embedding of an attention module (Su et al., 2021, arXiv:2104.09864).

    It rotates pairs of coordinates: (i, i + d/2) in most models, the neighbours (2i, 2i + 1) in ERNIE 4.5.
    """
    return rotate_neighbours if "Ernie" in type(module).__name__ else rotate_halves


def rotate_halves(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotate the pairs (i, i + d/2) of x (T, H, d) by the angles whose cos and sin (T, d) have two equal halves."""
    return _RotateHalves.apply(x, cos[:, None, :], sin[:, None, :])


def rotate_neighbours(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotate the neighbouring pairs (2i, 2i + 1) of x (T, H, d), computed as complex numbers."""
    half = cos.shape[-1] // 2
    turn = torch.complex(cos[:, None, :half].float(), sin[:, None, :half].float())
    return torch.view_as_real(torch.view_as_complex(x.float().unflatten(-1, (-1, 2))) * turn).flatten(-2).to(x.dtype)


class _RotateHalves(torch.autograd.Function):
    """Rotation by halves; its gradient is the rotation back."""

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
