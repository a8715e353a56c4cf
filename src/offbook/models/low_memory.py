"""Half the memory for frozen weights: they are stored in bfloat16 and upcast to float32 when they are read.

The products are those of a float32 model whose weights were rounded to bfloat16 once; nothing else is rounded. Only
one layer's weights are in float32 at any time, and none is kept for the backward pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from transformers import PreTrainedModel


class UpcastingLinear(nn.Linear):
    """A frozen linear layer whose weight is stored in bfloat16, and which computes in the format of its input."""

    @classmethod
    def sharing(cls, layer: nn.Linear) -> UpcastingLinear:
        """A layer with the very parameters of `layer`."""
        upcasting = cls(layer.in_features, layer.out_features, bias=layer.bias is not None, device="meta")
        upcasting.weight, upcasting.bias = layer.weight, layer.bias
        return upcasting.train(layer.training)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The product with `x`, (…, in_features)."""
        product: torch.Tensor = _UpcastLinear.apply(x, self.weight, self.bias)
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
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        ctx.save_for_backward(weight)
        return nn.functional.linear(x, weight.to(x.dtype), bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: torch.Tensor) -> Any:
        (weight,) = ctx.saved_tensors
        return dy @ weight.to(dy.dtype), None, None


UPCASTING: dict[type[nn.Module], Callable[[Any], nn.Module]] = {
    nn.Linear: UpcastingLinear.sharing,
    nn.Embedding: UpcastingEmbedding.sharing,
}
"""Kind of layer that is stored in bfloat16 → what takes its place."""


def store_in_bfloat16(model: PreTrainedModel) -> PreTrainedModel:
    """Keep the weights of linear layers and embeddings in bfloat16, and compute in float32 all the same.

    To be called before an adapter is put in; the model (float32 or bfloat16) is changed in place, frozen and returned.
    An embedding of a special kind stays in float32, and so does a head that shares its weight.
    """
    in_float32 = {
        id(parameter)
        for module in model.modules()
        if type(module) not in UPCASTING
        for parameter in module.parameters(recurse=False)
    }
    for parent in list(model.modules()):
        for name, parameter in parent.named_parameters(recurse=False):
            is_stored = type(parent) in UPCASTING and name == "weight" and id(parameter) not in in_float32
            parameter.data = parameter.data.to(torch.bfloat16 if is_stored else torch.float32)
            parameter.requires_grad_(False)
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) in UPCASTING and layer.weight.dtype == torch.bfloat16:
                setattr(parent, name, UPCASTING[type(layer)](layer))
    return model
