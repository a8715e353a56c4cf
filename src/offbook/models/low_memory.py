"""Half the memory for frozen weights: they are stored in bfloat16.

They are upcast to float32 when they are read: then the products are those of a float32 model whose weights were rounded
to bfloat16 once, nothing else is rounded, only one layer's weights are in float32 at any time, and none is kept for the
backward pass. Or the products themselves are computed in bfloat16 (`compute`), between activations in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from transformers import PreTrainedModel


class UpcastingLinear(nn.Linear):
    """A frozen linear layer whose weight is stored in bfloat16."""

    compute_dtype: torch.dtype | None = None
    """Format in which the product is computed; None for that of the input. The result has the format of the input."""

    @classmethod
    def sharing(cls, layer: nn.Linear) -> UpcastingLinear:
        """A layer with the very parameters of `layer`."""
        upcasting = cls(layer.in_features, layer.out_features, bias=layer.bias is not None, device="meta")
        upcasting.weight, upcasting.bias = layer.weight, layer.bias
        return upcasting.train(layer.training)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The product with `x`, (…, in_features)."""
        product: torch.Tensor = _UpcastLinear.apply(x, self.weight, self.bias, self.compute_dtype or x.dtype)
        return product


class UpcastingEmbedding(nn.Embedding):
    """A frozen embedding that is stored in bfloat16, and whose rows are upcast to float32 as they are looked up."""

    @classmethod
    def sharing(cls, layer: nn.Embedding) -> UpcastingEmbedding:
        """An embedding with the very weight of `layer`."""
        upcasting = cls(layer.num_embeddings, layer.embedding_dim, layer.padding_idx, device="meta")
        upcasting.weight = layer.weight
        return upcasting.train(layer.training)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """The rows of `ids`, (…) int64, as (…, embedding_dim) float32."""
        return super().forward(ids).float()


class _UpcastLinear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, compute: torch.dtype
    ) -> torch.Tensor:
        ctx.save_for_backward(weight)
        ctx.compute = compute
        if compute == x.dtype:
            return nn.functional.linear(x, weight.to(compute), bias)
        y = nn.functional.linear(x.to(compute), weight.to(compute)).to(x.dtype)
        return y if bias is None else y.add_(bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: torch.Tensor) -> Any:
        (weight,) = ctx.saved_tensors
        return (dy.to(ctx.compute) @ weight.to(ctx.compute)).to(dy.dtype), None, None, None


UPCASTING: dict[type[nn.Module], Callable[[Any], nn.Module]] = {
    nn.Linear: UpcastingLinear.sharing,
    nn.Embedding: UpcastingEmbedding.sharing,
}
"""Kind of layer that is stored in bfloat16 → what takes its place."""

STORABLE = (*UPCASTING, UpcastingLinear, UpcastingEmbedding)
"""Kinds of layers that can be stored in bfloat16, or are already."""


def store_in_bfloat16(model: PreTrainedModel, compute: torch.dtype | None = None) -> PreTrainedModel:
    """Keep the weights of linear layers and embeddings in bfloat16, between activations in float32.

    To be called before an adapter is put in; the model (float32 or bfloat16) is changed in place, frozen and returned.
    An embedding of a special kind stays in float32, and so does a head that shares its weight.

    Args:
        model: the base model.
        compute: format in which the products with these weights are computed; None for float32.
    """
    in_float32 = {
        id(parameter)
        for module in model.modules()
        if type(module) not in STORABLE
        for parameter in module.parameters(recurse=False)
    }
    for parent in list(model.modules()):
        for name, parameter in parent.named_parameters(recurse=False):
            is_stored = type(parent) in STORABLE and name == "weight" and id(parameter) not in in_float32
            parameter.data = parameter.data.to(torch.bfloat16 if is_stored else torch.float32)
            parameter.requires_grad_(False)
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) in UPCASTING and layer.weight.dtype == torch.bfloat16:
                setattr(parent, name, UPCASTING[type(layer)](layer))
    for layer in model.modules():
        if isinstance(layer, UpcastingLinear):
            layer.compute_dtype = compute
    return model


def store_in_float32(model: nn.Module) -> None:
    """Undo `store_in_bfloat16` in place, the adapter included or not; what the rounding took stays lost."""
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, UpcastingLinear | UpcastingEmbedding):
                layer.weight.data = layer.weight.data.float()
                setattr(parent, name, _ordinary(layer))


def _ordinary(layer: UpcastingLinear | UpcastingEmbedding) -> nn.Module:
    """The ordinary layer with the very parameters of an upcasting one."""
    if isinstance(layer, UpcastingEmbedding):
        embedding = nn.Embedding(layer.num_embeddings, layer.embedding_dim, layer.padding_idx, device="meta")
        embedding.weight = layer.weight
        return embedding.train(layer.training)
    linear = nn.Linear(layer.in_features, layer.out_features, bias=layer.bias is not None, device="meta")
    linear.weight, linear.bias = layer.weight, layer.bias
    return linear.train(layer.training)
